package syndicate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/syndicate"
)

// keep is a Keep in memory.
type keep struct {
	mu    sync.Mutex
	kept  []byte
	saves int
	fail  error
}

func (k *keep) Load(context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil {
		return nil, fs.ErrNotExist
	}
	return k.kept, nil
}

func (k *keep) Save(_ context.Context, session []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return k.fail
	}
	k.kept, k.saves = bytes.Clone(session), k.saves+1
	return nil
}

// change changes what is kept.
func (k *keep) change(t *testing.T, field, value string) {
	t.Helper()
	session := fields{}
	if err := json.Unmarshal(k.kept, &session); err != nil {
		t.Fatal(err)
	}
	session[field] = value
	raw, err := json.Marshal(session)
	if err != nil {
		t.Fatal(err)
	}
	k.kept = raw
}

func isLogin(err error) bool {
	var e *syndicate.Error
	return errors.As(err, &e) && e.Login && !e.Refused
}

func TestBlueskySessionOutlivesTheProgram(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ana, kept := n.person(t, "ana"), &keep{}
		once := func(text, password string) error {
			target := ana.target()
			target.Keep, target.Password = kept, password
			_, err := target.Publish(context.Background(), nota(text))
			return err
		}
		if err := once("uno", ana.Password); err != nil || kept.saves != 1 {
			t.Fatalf("first: %v, %d saves", err, kept.saves)
		}
		if err := once("dos", "not asked for"); err != nil || kept.saves != 1 {
			t.Errorf("after a restart: %v, %d saves", err, kept.saves)
		}
		kept.change(t, "accessJwt", "stale")
		if err := once("tres", "not asked for"); err != nil || kept.saves != 2 {
			t.Errorf("with another access token: %v, %d saves", err, kept.saves)
		}
		kept.change(t, "accessJwt", "stale")
		kept.change(t, "refreshJwt", "stale")
		if err := once("cuatro", ana.Password); err != nil || kept.saves != 3 {
			t.Errorf("with a refresh token that is none: %v, %d saves", err, kept.saves)
		}
		for field, value := range map[string]string{"server": "https://elsewhere.example", "account": "bea.test", "did": "nobody"} {
			kept.change(t, field, value)
			if err := once("cinco", "wrong"); !isLogin(err) {
				t.Errorf("a session of another %s: got %v, want that nobody uses it", field, err)
			}
			if err := once("cinco", ana.Password); err != nil {
				t.Error(err)
			}
		}
		kept.kept = []byte("no session")
		if err := once("seis", ana.Password); err != nil {
			t.Errorf("what is kept is none: %v", err)
		}
	})
}

// A revoked app password is said, once. T-PO05, HOSTILE 104
func TestBlueskyDoesNotHammerWithARevokedPassword(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ctx, ana, kept := context.Background(), n.person(t, "ana"), &keep{}
		target := ana.target()
		target.Keep = kept
		publish(t, target, nota("antes"))
		n.call(t, ana.AccessJwt, "com.atproto.server.revokeAppPassword", fields{"name": "tertulia"}, nil)
		kept.change(t, "accessJwt", "stale") // it would expire within two hours
		target = ana.target()
		target.Keep = kept
		for range 5 {
			_, err := target.Publish(ctx, nota("después"))
			if !isLogin(err) {
				t.Fatalf("got %v, want that the account is to be connected anew", err)
			}
			if strings.Contains(err.Error(), ana.Password) {
				t.Errorf("the error has the password: %v", err)
			}
		}
		if n.fake != nil {
			if refreshed, entered := n.fake.Asked("com.atproto.server.refreshSession"), n.fake.Asked("com.atproto.server.createSession"); refreshed > 5 || entered != 2 {
				t.Errorf("asked %d times for a session and %d times with the password, want 2 with it", refreshed, entered)
			}
		}
	})
}

func TestBlueskyRefreshesOnceForFifty(t *testing.T) {
	n := fakeNetwork(t)
	ana := n.person(t, "ana")
	target := ana.target()
	publish(t, target, nota("antes"))
	n.fake.Expire()
	var all sync.WaitGroup
	errs := make([]error, 50)
	for i := range errs {
		all.Go(func() { _, errs[i] = target.Publish(context.Background(), nota(fmt.Sprint("nota ", i))) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if entered, refreshed := n.fake.Asked("com.atproto.server.createSession"), n.fake.Asked("com.atproto.server.refreshSession"); entered != 1 || refreshed != 1 {
		t.Errorf("entered %d times, refreshed %d times, want 1 and 1", entered, refreshed)
	}
}

// What cannot be kept is in use all the same, and kept as soon as it can be.
func TestBlueskyKeepsASessionLater(t *testing.T) {
	n := fakeNetwork(t)
	ana, kept := n.person(t, "ana"), &keep{fail: errors.New("the disk is full")}
	target := ana.target()
	target.Keep = kept
	if _, err := target.Publish(context.Background(), nota("a")); !errors.Is(err, kept.fail) {
		t.Fatalf("got %v, want %v", err, kept.fail)
	}
	kept.fail = nil
	publish(t, target, nota("a"))
	if entered := n.fake.Asked("com.atproto.server.createSession"); entered != 1 || kept.saves != 1 {
		t.Errorf("entered %d times, saved %d times, want 1 and 1", entered, kept.saves)
	}
}

func TestBlueskyTriesAPasswordAgainAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered := 0
		target := answering(t, func(method string) (int, string) {
			entered++
			return 401, `{"error":"AuthenticationRequired","message":"Invalid identifier or password"}`
		})
		for range 10 {
			if _, err := target.Publish(context.Background(), nota("a")); !isLogin(err) {
				t.Fatalf("got %v, want a login", err)
			}
			time.Sleep(15 * time.Minute)
		}
		if entered != 3 {
			t.Errorf("asked %d times in two hours and a half, want 3", entered)
		}
	})
}

// No secret stands in a message, whatever a server answers with, nor in what %v says of an account.
func TestBlueskySecretsStayInside(t *testing.T) {
	target := answering(t, func(method string) (int, string) {
		if method == "com.atproto.server.createSession" {
			return 200, `{"did":"did:plc:ana","handle":"ana.test","accessJwt":"tok_TEST_access","refreshJwt":"tok_TEST_refresh"}`
		}
		return 400, `{"error":"Invalid\nRequest","message":"Bearer tok_TEST_access or tok_TEST_password or tok_TEST_refresh"}`
	})
	target.Password = "tok_TEST_password"
	_, err := target.Publish(context.Background(), nota("a"))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("one", "account", target, "error", err)
	for _, text := range []string{err.Error(), fmt.Sprintf("%v %+v %s", target, target, target), log.String()} {
		if strings.Contains(text, "tok_TEST") || strings.Contains(text, "\n\n") {
			t.Errorf("a secret stands in %q", text)
		}
	}
}
