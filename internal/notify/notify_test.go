package notify_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tertulia/internal/fetch"
	"tertulia/internal/notify"
	"tertulia/internal/site"
)

func decoded(t testing.TB, m *mail.Message) string {
	t.Helper()
	if kind := m.Header.Get("Content-Type"); kind != "text/plain; charset=UTF-8" {
		t.Errorf("Content-Type: got %q", kind)
	}
	if how := m.Header.Get("Content-Transfer-Encoding"); how != "quoted-printable" {
		t.Fatalf("Content-Transfer-Encoding: got %q", how)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(body), "\r\n", "\n")
}

func home(language string) *site.Site {
	return &site.Site{
		Key: "ana.example", URL: &url.URL{Scheme: "https", Host: "ana.example", Path: "/"}, Base: "https://ana.example/-/",
		Name: "El patio de Ana", Language: language, Tell: site.Telling{To: to},
	}
}

func example(language string) site.Letter {
	return site.Letter{
		Site: home(language), ID: "06h01ph5g6f2xg5f13db2se6nc", Mode: "digest", To: to, Made: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
		New: 3, Waits: 12, Junk: 950, Shown: 1,
		Waiting: []site.LetterGroup{
			{Name: "Bea", Host: "bea.example", Count: 1, Link: "https://ana.example/-/admin/mention?id=1", Items: []site.LetterItem{
				{Who: "Bea", Kind: "reply", Page: "El mar", Text: "¡Qué bonito!\r\nBcc: x@y.example\u202e", Link: "https://ana.example/-/admin/mention?id=1"}}},
			{Host: "junk.example", Count: 2, Link: "https://ana.example/-/admin/", Items: []site.LetterItem{
				{Who: "Buy\n.\nQUIT", Kind: "mention", Page: "El mar", Link: "https://ana.example/-/admin/mention?id=2"}}},
		},
		Public:   []site.LetterGroup{{Name: "El mar", Host: "https://ana.example/mar/", Count: 1, Link: "https://ana.example/-/conversation?url=x", Items: []site.LetterItem{{Who: "Caro", Kind: "like", Page: "El mar"}}}},
		Troubles: []site.Trouble{{Kind: "publish", Key: "https://ana.example/mar/", Error: "no such directory", Link: "https://ana.example/-/admin/jobs"}},
		Access:   []site.Entering{{Action: "sign in", Who: "https://ana.example/", Note: "by link, in a new browser", At: time.Date(2026, 11, 21, 7, 30, 0, 0, time.UTC)}},
	}
}

// RFC 5322, RFC 3834, RFC 2919: what a letter looks like, however the connection is secured.
func TestLetterArrives(t *testing.T) {
	for _, mode := range []string{notify.StartTLS, notify.Implicit, notify.None} {
		t.Run(mode, func(t *testing.T) {
			o := open(t, mode)
			if err := o.mailer(mode).Check(t.Context()); err != nil {
				t.Fatalf("check: %v", err)
			}
			if len(o.messages(t)) != 0 {
				t.Fatal("the check sent a mail")
			}
			if err := o.mailer(mode).Send(t.Context(), example("es")); err != nil {
				t.Fatal(err)
			}
			all := o.messages(t)
			if len(all) != 1 {
				t.Fatalf("got %d messages, want 1", len(all))
			}
			got := all[0]
			subject, err := new(mime.WordDecoder).DecodeHeader(got.Get("Subject"))
			if want := "El patio de Ana: 3 menciones esperan, 1 respuesta nueva, 1 tarea fallida, 1 acceso nuevo"; err != nil || subject != want {
				t.Errorf("Subject: got %q, %v, want %q", subject, err, want)
			}
			for name, want := range map[string]string{
				"Message-Id": "<06h01ph5g6f2xg5f13db2se6nc@ana.example>", "List-Id": "<notices.ana.example>", "Auto-Submitted": "auto-generated",
				"Date": "Sat, 21 Nov 2026 08:00:00 +0000", "From": `"El patio de Ana" <tertulia@example.com>`, "To": "<ana@example.com>",
				"Content-Language": "es", "Bcc": "", "User-Agent": "", "X-Mailer": "",
			} {
				if got := got.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			for _, want := range []string{
				"3 menciones nuevas esperan tu decisión:\n", "* Bea: 1 mención (bea.example)\n", "      ¡Qué bonito! Bcc: x@y.example\n",
				"* junk.example: 2 menciones\n    Buy . QUIT: ", "En total esperan 12: https://ana.example/-/admin/\n", "950 más parecen spam y están aparte.",
				"  https://ana.example/-/conversation?url=x\n", "* Poner en línea una publicación: https://ana.example/mar/\n    no such directory\n  https://ana.example/-/admin/jobs\n",
				"inicio de sesión en un navegador nuevo", "https://ana.example/-/admin/notices\n",
			} {
				if !strings.Contains(got.body, want) {
					t.Errorf("it lacks %q:\n%s", want, got.body)
				}
			}
			if strings.ContainsAny(got.body, "\r\u202e") || strings.Contains(got.body, "<") {
				t.Errorf("it holds what it must not:\n%s", got.body)
			}
		})
	}
}

// What a server says: what is final and what may be tried again.
func TestServersAnswers(t *testing.T) {
	o := open(t, notify.StartTLS)
	set := func(change func()) {
		o.mu.Lock()
		defer o.mu.Unlock()
		change()
	}
	send := func() error { return o.mailer(notify.StartTLS).Send(t.Context(), example("en")) }
	for name, test := range map[string]struct {
		refuse, atData error
		final          bool
	}{
		"no such mailbox":   {refuse: &smtp.SMTPError{Code: 550, Message: "nobody"}, final: true},
		"come later":        {refuse: &smtp.SMTPError{Code: 450, Message: "greylisted"}},
		"the mailbox full":  {atData: &smtp.SMTPError{Code: 452, Message: "full"}},
		"refused after all": {atData: &smtp.SMTPError{Code: 554, Message: "spam"}, final: true},
	} {
		set(func() { o.refuse, o.atData = test.refuse, test.atData })
		if err := send(); err == nil || errors.Is(err, site.ErrRefused) != test.final {
			t.Errorf("%s: got %v, want one that is final: %t", name, err, test.final)
		}
	}
	set(func() { o.refuse, o.atData = nil, nil })
	if err := send(); err != nil {
		t.Errorf("at last: %v", err)
	}
	if n := len(o.messages(t)); n != 1 {
		t.Errorf("got %d messages, want 1", n)
	}
}

// Whoever cuts the connection after the message may have taken it: it comes again, and is known by
// its Message-ID.
func TestCutConnectionRepeatsTheMessageID(t *testing.T) {
	o := open(t, notify.StartTLS)
	o.cutAfter = 1
	m := o.mailer(notify.StartTLS)
	if err := m.Send(t.Context(), example("en")); err == nil || errors.Is(err, site.ErrRefused) {
		t.Fatalf("got %v, want an error that is not final", err)
	}
	if err := m.Send(t.Context(), example("en")); err != nil {
		t.Fatal(err)
	}
	all := o.messages(t)
	if len(all) != 2 || all[0].Get("Message-Id") != all[1].Get("Message-Id") || all[0].Get("Date") != all[1].Get("Date") {
		t.Errorf("got %+v", all)
	}
}

// Who is not the server, or does not know us, gets neither mail nor password.
func TestServersThatAreNotOurs(t *testing.T) {
	o := open(t, notify.StartTLS)
	plain := open(t, notify.None)
	wrong := o.mailer(notify.StartTLS)
	wrong.Password = func() (string, error) { return "another", nil }
	unknown := o.mailer(notify.StartTLS)
	unknown.Roots = x509.NewCertPool()
	unread := o.mailer(notify.StartTLS)
	unread.Password = func() (string, error) { return "", errors.New("no such file") }
	elsewhere := o.mailer(notify.StartTLS)
	elsewhere.Dial = fetch.Mail("127.0.0.1:1")
	gone := o.mailer(notify.StartTLS)
	gone.Port, gone.Dial = 1, fetch.Mail("127.0.0.1:1")
	for name, m := range map[string]*notify.Mailer{
		"a wrong password": wrong, "an unknown certificate": unknown, "no STARTTLS": plain.mailer(notify.StartTLS),
		"a password that cannot be read": unread, "another host than that of the settings": elsewhere, "nobody there": gone,
		"TLS from the first byte, which it does not speak": plain.mailer(notify.Implicit),
	} {
		m.Timeout = 5 * time.Second
		for what, try := range map[string]func() error{
			"send":  func() error { return m.Send(t.Context(), example("en")) },
			"check": func() error { return m.Check(t.Context()) },
		} {
			if err := try(); err == nil || errors.Is(err, site.ErrRefused) || strings.Contains(err.Error(), password) {
				t.Errorf("%s, %s: got %v, want an error that is not final", name, what, err)
			}
		}
	}
	if len(o.messages(t))+len(plain.messages(t)) > 0 {
		t.Error("a mail was sent")
	}
}

// A server that stalls holds up nobody for longer than the mailer has time, nor after it is told to stop.
func TestSlowServer(t *testing.T) {
	o := open(t, notify.StartTLS)
	o.stall = make(chan struct{})
	defer close(o.stall)
	m := o.mailer(notify.StartTLS)
	m.Timeout = 200 * time.Millisecond
	if err := m.Send(t.Context(), example("en")); err == nil || errors.Is(err, site.ErrRefused) {
		t.Errorf("out of time: got %v", err)
	}
	m.Timeout = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := m.Send(ctx, example("en")); err == nil || time.Since(began) > 30*time.Second {
		t.Errorf("stopped: got %v after %s", err, time.Since(began))
	}
}

// Whatever strangers write, a letter has the headers that it has, and their words stand on lines of
// their own that begin with spaces or with our sign.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"Bea", "a\r\n.\r\nQUIT", "\u202eevil\u2066", "-- \n", "Subject: x\n\n<script>", "\x00\x07", strings.Repeat("ñ", 400), "👩🏽\u200d🚀", "a\u2028b", "=?utf-8?q?x?="} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		l := example("en")
		l.Site.Name = "Ana"
		l.Waiting[0].Name, l.Waiting[0].Items[0].Who, l.Waiting[0].Items[0].Text, l.Waiting[1].Host = name, name, text, "h"+name
		l.Public[0].Name, l.Troubles[0].Error, l.Access[0].Note = name, text, text
		subject, body := notify.Text(l)
		if want := "Ana: 3 mentions wait, 1 new response, 1 failed job, 1 new access"; subject != want {
			t.Errorf("subject: got %q, want %q", subject, want)
		}
		plainly := example("en")
		plainly.Site.Name = "Ana"
		_, same := notify.Text(plainly)
		ours := func(s string) (lines []string) {
			for line := range strings.SplitSeq(s, "\n") {
				if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "* ") {
					lines = append(lines, line)
				}
			}
			return lines
		}
		if got, want := strings.Join(ours(body), "|"), strings.Join(ours(same), "|"); got != want {
			t.Errorf("lines of ours: got %q, want %q", got, want)
		}
		for _, r := range body {
			if r != '\n' && (r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028) {
				t.Errorf("it holds %U: %q", r, body)
			}
		}
	})
}
