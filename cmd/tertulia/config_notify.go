package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a zone in the settings does not hang on the machine

	"tertulia/internal/fetch"
	"tertulia/internal/notify"
	"tertulia/internal/site"
)

// mail completes and checks [mail].
func (l *loader) mail() {
	m := &l.set.Mail
	l.choice("mail.tls", &m.TLS, notify.StartTLS, notify.Implicit, notify.None)
	if m.Port < 0 || m.Port > 65535 {
		l.wrong("mail.port", fmt.Sprintf("%d is no port", m.Port), "leave it out, or take the one that your provider names")
	}
	m.Port = cmp.Or(m.Port, map[string]int{notify.StartTLS: 587, notify.Implicit: 465, notify.None: 25}[m.TLS])
	if m.Server == "" {
		return
	}
	if strings.ContainsAny(m.Server, " /@") || net.ParseIP(m.Server) == nil && strings.Contains(m.Server, ":") {
		l.wrong("mail.server", fmt.Sprintf("%q is not the name of a server", m.Server), `write it like "smtp.example.com", and its port as port`)
	}
	if m.TLS == notify.None && !isLoopback(m.Server) {
		l.wrong("mail.tls", "others could read the mail on its way, and the password", `"none" is for a server on this machine`)
	}
	if m.From == "" && isMail(m.User) {
		m.From = m.User
	}
	if !isMail(m.From) {
		l.wrong("mail.from", fmt.Sprintf("%q is not a mail address", m.From), `write it like "tertulia@example.com"`)
	}
	switch {
	case m.User == "" && (m.Password != "" || m.PasswordFile != ""):
		l.wrong("mail.user", "it is missing: whose password is it?", "write the name that your provider gave you")
	case m.User != "" && m.Password == "" && m.PasswordFile == "":
		l.wrong("mail.password_file", "it is missing", "it names a file that holds the password for user")
	}
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// notify completes and checks [site.notify].
func (l *loader) notify(n *notifySettings, where string) {
	if n.To != "" && !isMail(n.To) {
		l.wrong("site.notify.to"+where, fmt.Sprintf("%q is not a mail address", n.To), `write it like "ana@example.com"`)
	}
	l.choice("site.notify.waiting"+where, &n.Waiting, "digest", "now", "off")
	l.choice("site.notify.unanswered"+where, &n.Unanswered, "digest", "now", "off")
	if n.Patience = cmp.Or(n.Patience, duration(7*24*time.Hour)); n.Patience < 0 {
		l.wrong("site.notify.patience"+where, "it is less than nothing", `write it like "48h"`)
	}
	l.choice("site.notify.public"+where, &n.Public, "digest", "now", "off")
	l.choice("site.notify.trouble"+where, &n.Trouble, "now", "digest", "off")
	l.choice("site.notify.access"+where, &n.Access, "now", "digest", "off")
	l.choice("site.notify.digest"+where, &n.Digest, "daily", "weekly")
	n.Day = cmp.Or(n.Day, "monday")
	l.choice("site.notify.day"+where, &n.Day, weekdays...)
	if n.At = cmp.Or(n.At, "08:00"); !isTime(n.At) {
		l.wrong("site.notify.at"+where, fmt.Sprintf("%q is not a time of day", n.At), `write it like "08:00"`)
	}
	if _, err := zoneOf(n.Zone); err != nil {
		l.wrong("site.notify.zone"+where, fmt.Sprintf("%q is not known as a time zone", n.Zone), `write it like "Europe/Madrid"`)
	}
}

func isTime(at string) bool {
	_, err := time.Parse("15:04", at)
	return err == nil
}

// zoneOf is the time zone of a name, this machine's when there is none.
func zoneOf(name string) (*time.Location, error) {
	return time.LoadLocation(cmp.Or(name, "Local"))
}

// telling is what the owner is told by mail; nobody is where there is no address.
func (n notifySettings) telling(author authorSettings) site.Telling {
	at, err := time.Parse("15:04", n.At)
	zone, unknown := zoneOf(n.Zone)
	if err != nil || unknown != nil {
		panic("the settings were checked: " + n.At + ", " + n.Zone)
	}
	return site.Telling{
		To: cmp.Or(n.To, author.Email),
		How: map[string]site.Mode{
			site.KindWaiting: site.Mode(n.Waiting), site.KindPublic: site.Mode(n.Public),
			site.KindUnanswered: site.Mode(n.Unanswered), site.KindTrouble: site.Mode(n.Trouble), site.KindAccess: site.Mode(n.Access),
		},
		Weekly: n.Digest == "weekly", Day: time.Weekday(slices.Index(weekdays, n.Day)),
		Hour: at.Hour(), Minute: at.Minute(), Zone: zone,
		Patience: n.Patience.Duration(),
	}
}

// mailer is the way to the mail server, nil for none.
func (s *settings) mailer() *notify.Mailer {
	m := s.Mail
	if m.Server == "" {
		return nil
	}
	return &notify.Mailer{
		Host: m.Server, Port: m.Port, TLS: m.TLS, User: m.User, Password: m.password, From: m.From,
		Dial: fetch.Mail(net.JoinHostPort(m.Server, strconv.Itoa(m.Port))),
	}
}

// mailing is how letters are sent, nil where none are.
func (s *settings) mailing() func(context.Context, site.Letter) error {
	if m := s.mailer(); m != nil {
		return m.Send
	}
	return nil
}

// password is read when it is needed, so that a new one counts at once.
func (m mailSettings) password() (string, error) {
	if m.PasswordFile == "" {
		return m.Password, nil
	}
	text, err := os.ReadFile(m.PasswordFile)
	return strings.TrimSpace(string(text)), err
}

// names tells whether the settings name the host of an address.
func (s *settings) names(u *url.URL) bool { return slices.Contains(s.ownHosts(), fetch.HostPort(u)) }
