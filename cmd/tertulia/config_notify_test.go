package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/lang"
	"tertulia/internal/site"
)

const aSite = "[[site]]\nurl = \"https://ana.example/\"\nauthor = { email = \"ana@ana.example\" }\n"

func TestMailSettingsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"[mail]\nserver = 'smtp.example'":                                       `mail.from: "" is not a mail address (write it like "tertulia@example.com")`,
		"[mail]\nserver = 'smtp.example:25'\nfrom = 'a@b.example'":              `mail.server: "smtp.example:25" is not the name of a server (write it like "smtp.example.com", and its port as port)`,
		"[mail]\nserver = 'smtp.example'\nfrom = 'a@b.example'\ntls = 'none'":   `mail.tls: others could read the mail on its way, and the password ("none" is for a server on this machine)`,
		"[mail]\nserver = 'smtp.example'\nfrom = 'a@b.example'\ntls = 'ssl'":    `mail.tls: "ssl" is not known (one of: implicit, none, starttls)`,
		"[mail]\nserver = 'smtp.example'\nuser = 'a@b.example'":                 "mail.password_file: it is missing (it names a file that holds the password for user)",
		"[mail]\nserver = 'smtp.example'\nfrom = 'a@b.example'\npassword = 'x'": "mail.user: it is missing: whose password is it? (write the name that your provider gave you)",
		"[mail]\nport = 70000":                                    "mail.port: 70000 is no port (leave it out, or take the one that your provider names)",
		aSite + "[site.notify]\nto = 'ana'":                       `site.notify.to: "ana" is not a mail address (write it like "ana@example.com")`,
		aSite + "[site.notify]\nwaiting = 'hourly'":               `site.notify.waiting: "hourly" is not known (one of: digest, now, off)`,
		aSite + "[site.notify]\nat = '8 o’clock'":                 `site.notify.at: "8 o’clock" is not a time of day (write it like "08:00")`,
		aSite + "[site.notify]\nzone = 'Europe/Atlantis'":         `site.notify.zone: "Europe/Atlantis" is not known as a time zone (write it like "Europe/Madrid")`,
		aSite + "[site.notify]\ndigest = 'weekly'\nday = 'lunes'": `site.notify.day: "lunes" is not known (one of: friday, monday, saturday, sunday, thursday, tuesday, wednesday)`,
	} {
		if got := faults(t, text, nil); got[0] != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got[0], want)
		}
	}
}

// Without a word of the owner's mail tells once a day what waits and what is new, and at once what needs
// them; the password is read anew each time.
func TestWhatIsToldByDefault(t *testing.T) {
	dir := t.TempDir()
	secret, config := filepath.Join(dir, "password"), filepath.Join(dir, "tertulia.toml")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret, "tok_TEST_one\n")
	write(config, aSite+"[site.notify]\nzone = \"Europe/Madrid\"\ndigest = \"weekly\"\n[mail]\nserver = \"smtp.example\"\nuser = \"ana@ana.example\"\npassword_file = \""+secret+"\"\n")
	set, err := loadSettings(globals{Config: config, Data: dir, Listen: "127.0.0.1:9"}, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	tell := set.Sites[0].Notify.telling(set.Sites[0].Author)
	want := map[string]site.Mode{"waiting": site.Digest, "public": site.Digest, "trouble": site.Now, "access": site.Now, "unanswered": site.Digest}
	if diff := cmp.Diff(want, tell.How); diff != "" || tell.To != "ana@ana.example" || !tell.Weekly || tell.Day != time.Monday || tell.Hour != 8 || tell.In().String() != "Europe/Madrid" {
		t.Errorf("got %+v (-want +got)\n%s", tell, diff)
	}
	m := set.mailer()
	if m.Port != 587 || m.TLS != "starttls" || m.From != "ana@ana.example" {
		t.Errorf("got %+v", m)
	}
	for _, word := range []string{"tok_TEST_one", "tok_TEST_two"} {
		write(secret, word+"\n")
		if got, err := m.Password(); got != word || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, word)
		}
	}
	set.Mail.Server = ""
	if set.mailer() != nil || set.mailing() != nil {
		t.Error("there is a mailer without a server")
	}
}

// tertulia check says what is wrong with the mail server, without the password.
func TestCheckLooksAtTheMailServer(t *testing.T) {
	k := &checker{set: &settings{}, one: siteSettings{URL: "https://ana.example/", Notify: notifySettings{At: "08:00"}}, l: lang.For("en")}
	k.mail(t.Context())
	if len(k.points) != 0 {
		t.Errorf("without a server: %+v", k.points)
	}
	k.set.Mail = mailSettings{Server: "127.0.0.1", Port: 1, TLS: "none", User: "ana", Password: "tok_TEST_secret", From: "a@ana.example"}
	k.mail(t.Context())
	if len(k.points) != 1 || k.points[0].State != "fails" || !strings.Contains(k.points[0].Seen, "connection refused") || strings.Contains(k.points[0].Seen, "tok_TEST") || !strings.Contains(k.points[0].Do, "[mail]") {
		t.Errorf("got %+v", k.points)
	}
}
