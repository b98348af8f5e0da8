// Package notify writes letters to the owner and hands them to the mail server.
//
//	m := &notify.Mailer{Host: "mail.example.com", Port: 587, From: "tertulia@example.com", Dial: dial}
//	err := m.Send(ctx, letter) // errors.Is(err, site.ErrRefused): it will never be taken
//
// A letter is plain text (RFC 5322, RFC 2045) that asks for no answer (RFC 3834), belongs to a
// list (RFC 2919) and loads nothing. It speaks SMTP (RFC 5321) with STARTTLS (RFC 3207) or TLS from the
// beginning (RFC 8314).
package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"tertulia/internal/site"
)

// How a connection to the mail server is secured.
const (
	StartTLS = "starttls" // from the server's greeting on, or not at all
	Implicit = "implicit" // from the first byte
	None     = "none"     // not; for a server on this machine
)

// Mailer hands letters to one mail server. It is safe for concurrent use.
type Mailer struct {
	Host     string
	Port     int
	TLS      string // StartTLS, Implicit or None
	User     string // "": the server asks for no name
	Password func() (string, error)
	From     string // mail address
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Roots    *x509.CertPool // nil: the system's
	Timeout  time.Duration  // for a letter from the connection to the server's word; 0 is a minute
}

// Send hands a letter to the server. Without an error the server has taken it. An error with
// [site.ErrRefused] in its chain is final; after any other it may be tried again, with the same
// Message-ID: a server that had taken it knows it by that.
func (m *Mailer) Send(ctx context.Context, l site.Letter) error {
	msg, err := m.message(l)
	if err != nil {
		return fmt.Errorf("%w: %w", site.ErrRefused, err)
	}
	return m.talk(ctx, func(c *mail.Client, conn *smtp.Client) error {
		err := c.SendWithSMTPClient(conn, msg)
		if err == nil || msg.IsDelivered() {
			return nil // what goes wrong after the server's word takes nothing back
		}
		if told := (*mail.SendError)(nil); errors.As(err, &told) && told.ErrorCode() >= 500 {
			return fmt.Errorf("%w: %w", site.ErrRefused, err)
		}
		return err
	})
}

// Check tells whether the server takes us: whether it answers, can be believed to be itself, and
// knows us. It sends no mail.
func (m *Mailer) Check(ctx context.Context) error {
	return m.talk(ctx, func(*mail.Client, *smtp.Client) error { return nil })
}

// talk opens a connection for one talk.
func (m *Mailer) talk(ctx context.Context, say func(*mail.Client, *smtp.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(m.Timeout, time.Minute))
	defer cancel()
	client, err := m.client(ctx)
	if err != nil {
		return err
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", m.address(), cmp.Or(context.Cause(ctx), err))
	}
	if err := say(client, conn); err != nil {
		return fmt.Errorf("mail server %s: %w", m.address(), err)
	}
	_ = client.CloseWithSMTPClient(conn) // everything was said
	return nil
}

func (m *Mailer) address() string { return net.JoinHostPort(m.Host, strconv.Itoa(m.Port)) }

// client is set up anew for each talk, so that a new password counts at once.
func (m *Mailer) client(ctx context.Context) (*mail.Client, error) {
	config := &tls.Config{ServerName: m.Host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}
	policy := mail.NoTLS
	if m.TLS == StartTLS {
		policy = mail.TLSMandatory
	}
	dial := func(ctx2 context.Context, network, address string) (net.Conn, error) {
		conn, err := m.Dial(ctx2, network, address)
		if err != nil {
			return nil, err
		}
		// What stalls ends with the talk, also where the client sets no deadline.
		context.AfterFunc(ctx, func() { conn.Close() })
		if m.TLS != Implicit {
			return conn, nil
		}
		secured := tls.Client(conn, config)
		return secured, secured.HandshakeContext(ctx2)
	}
	options := []mail.Option{
		mail.WithPort(m.Port), mail.WithTimeout(cmp.Or(m.Timeout, time.Minute)), mail.WithTLSPolicy(policy),
		mail.WithTLSConfig(config), mail.WithDialContextFunc(dial), mail.WithoutNoop(), mail.WithoutRset(),
	}
	if m.User != "" {
		password, err := m.Password()
		if err != nil {
			return nil, fmt.Errorf("the password for the mail server: %w", err)
		}
		options = append(options, mail.WithUsername(m.User), mail.WithPassword(password), mail.WithOpportunisticSMTPAuth(m.mechanisms()...))
	}
	return mail.NewClient(m.Host, options...)
}

// mechanisms are the ways to say who we are, the best first. Without TLS, on this machine, they are
// plain words. The client's own choice does not see that a connection is secured from the beginning.
func (m *Mailer) mechanisms() []mail.SMTPAuthType {
	if m.TLS == None {
		return []mail.SMTPAuthType{mail.SMTPAuthPlainNoEnc, mail.SMTPAuthLoginNoEnc}
	}
	return []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5}
}

// message is a letter as mail.
func (m *Mailer) message(l site.Letter) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := cmp.Or(msg.FromFormat(plain(l.Site.Name), m.From), msg.To(l.To)); err != nil {
		return nil, err
	}
	subject, body := Text(l)
	msg.Subject(subject)
	msg.SetMessageIDWithValue(l.ID + "@" + l.Site.URL.Hostname())
	msg.SetDateWithValue(l.Made)
	msg.SetGenHeader(mail.Header("Auto-Submitted"), "auto-generated")
	msg.SetGenHeader(mail.Header("List-Id"), "<notices."+l.Site.URL.Hostname()+">")
	msg.SetGenHeader(mail.HeaderContentLang, l.Site.Speaks(l.Site.Language).Tag())
	msg.SetBodyString(mail.TypeTextPlain, body)
	return msg, nil
}
