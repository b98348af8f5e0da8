package notify_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/mail"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"tertulia/internal/fetch"
	"tertulia/internal/leaktest"
	"tertulia/internal/notify"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Of(m).Run()) }

// postOffice is a real mail server on this machine, with knobs.
type postOffice struct {
	mu       sync.Mutex
	taken    [][]byte // messages, in order
	refuse   error    // of the recipient
	atData   error    // after the message was read
	cutAfter int      // as many messages are read, kept, and the connection cut before a word
	stall    chan struct{}

	roots *x509.CertPool
	addr  *net.TCPAddr
}

const (
	user, password = "ana@example.com", "tok_TEST_mail"
	from, to       = "tertulia@example.com", "ana@example.com"
)

// open starts the server; with implicit it speaks TLS from the first byte.
func open(t *testing.T, mode string) *postOffice {
	t.Helper()
	o := &postOffice{roots: x509.NewCertPool()}
	cert := certificate(t, o.roots)
	s := smtp.NewServer(o)
	s.Domain, s.ReadTimeout, s.AllowInsecureAuth = "localhost", 20*time.Second, mode == notify.None
	s.ErrorLog = quiet{}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().(*net.TCPAddr)
	switch mode {
	case notify.Implicit:
		l = tls.NewListener(l, config)
	case notify.StartTLS:
		s.TLSConfig = config
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // it ends with an error when it is closed
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return o
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// mailer is one that goes there.
func (o *postOffice) mailer(mode string) *notify.Mailer {
	return &notify.Mailer{
		Host: "127.0.0.1", Port: o.addr.Port, TLS: mode, User: user, Password: func() (string, error) { return password, nil },
		From: from, Roots: o.roots, Dial: fetch.Mail(net.JoinHostPort("127.0.0.1", strconv.Itoa(o.addr.Port))),
	}
}

// messages are those that have come, read as mail.
func (o *postOffice) messages(t *testing.T) (all []letter) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, raw := range o.taken {
		all = append(all, read(t, raw))
	}
	return all
}

// NewSession is of smtp.Backend.
func (o *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &visit{o: o, conn: c}, nil
}

type visit struct {
	o    *postOffice
	conn *smtp.Conn
	in   bool
}

func (*visit) Reset()        {}
func (*visit) Logout() error { return nil }

func (*visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, secret string) error {
		if name != user || secret != password {
			return smtp.ErrAuthFailed
		}
		v.in = true
		return nil
	}), nil
}

func (v *visit) Mail(address string, _ *smtp.MailOptions) error {
	if !v.in || address != from {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (v *visit) Rcpt(address string, _ *smtp.RcptOptions) error {
	if address != to {
		return errors.New("who is " + address)
	}
	v.o.mu.Lock()
	defer v.o.mu.Unlock()
	return v.o.refuse
}

func (v *visit) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.o.mu.Lock()
	stall := v.o.stall
	v.o.mu.Unlock()
	if stall != nil {
		<-stall
	}
	v.o.mu.Lock()
	defer v.o.mu.Unlock()
	if v.o.atData != nil {
		return v.o.atData
	}
	v.o.taken = append(v.o.taken, raw)
	if v.o.cutAfter > 0 {
		v.o.cutAfter--
		v.conn.Conn().Close()
	}
	return nil
}

// certificate makes one for this machine, and has it believed.
func certificate(t *testing.T, roots *x509.CertPool) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// letter is a message as a mail program reads it.
type letter struct {
	mail.Header
	body string
}

func read(t testing.TB, raw []byte) letter {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	body := decoded(t, m)
	return letter{m.Header, body}
}
