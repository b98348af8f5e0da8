package site_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"tertulia/internal/leaktest"
	"tertulia/internal/site"
	"tertulia/store"
)

// softKey is a passkey in software, with knobs for what it may do wrong.
type softKey struct {
	private            *ecdsa.PrivateKey
	id, user           []byte
	counter            uint32
	origin, host, kind string // what the browser says; "" is right
	challenge          string
	unverified         bool // nobody has opened it
}

func newSoftKey(t *testing.T) *softKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &softKey{private: private, id: []byte("key " + rand.Text())}
}

// options are what we need of those that a page has.
type options struct {
	Challenge string
	User      struct{ ID, Name string }
	RP        struct{ ID string }
	RPID      string `json:"rpId"`
}

func (k *softKey) read(t *testing.T, raw string) (o options) {
	t.Helper()
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return o
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

var b64 = base64.RawURLEncoding

func (k *softKey) clientData(kind, challenge string) []byte {
	raw, _ := json.Marshal(map[string]any{"type": or(k.kind, kind), "challenge": or(k.challenge, challenge), "origin": or(k.origin, "https://me.example"), "crossOrigin": false})
	return raw
}

func (k *softKey) data(host string, attested bool) []byte {
	sum := sha256.Sum256([]byte(or(k.host, host)))
	flags := byte(0x05) // present and verified
	if k.unverified {
		flags = 0x01
	}
	if attested {
		flags |= 0x40
	}
	k.counter++
	return binary.BigEndian.AppendUint32(append(sum[:], flags), k.counter)
}

func (k *softKey) answer(response map[string]string) string {
	raw, _ := json.Marshal(map[string]any{"id": b64.EncodeToString(k.id), "rawId": b64.EncodeToString(k.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	return string(raw)
}

// register answers the options to make a passkey.
func (k *softKey) register(t *testing.T, raw string) string {
	t.Helper()
	o := k.read(t, raw)
	k.user, _ = b64.DecodeString(o.User.ID)
	public, err := k.private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	if err != nil {
		t.Fatal(err)
	}
	data := append(k.data(o.RP.ID, true), make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(k.id))), k.id...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": append(data, cose...)})
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(map[string]string{"clientDataJSON": b64.EncodeToString(k.clientData("webauthn.create", o.Challenge)), "attestationObject": b64.EncodeToString(object)})
}

// sign answers the options to sign in.
func (k *softKey) sign(t *testing.T, raw string) string {
	t.Helper()
	o := k.read(t, raw)
	client, data := k.clientData("webauthn.get", o.Challenge), k.data(o.RPID, false)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return k.answer(map[string]string{
		"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data),
		"signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(k.user),
	})
}

const me = "https://me.example/"

// keyed is an access with a passkey of the owner's.
func keyed(t *testing.T, w *world) (*site.Access, *softKey) {
	t.Helper()
	access, key := &site.Access{Site: w.site, DB: w.db}, newSoftKey(t)
	if o, err := access.PasskeyOptions(t.Context()); o != "" || err != nil {
		t.Errorf("while nobody has one: %q, %v", o, err)
	}
	raw, err := access.NewPasskeyOptions(t.Context(), me, "session")
	if err != nil {
		t.Fatal(err)
	}
	if err := access.AddPasskey(t.Context(), me, "session", "  My\n key ", key.register(t, raw)); err != nil {
		t.Fatal(err)
	}
	return access, key
}

// A passkey signs its person in, once for each challenge, whatever happens at once.
func TestPasskeySignsIn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access, key := keyed(t, w)
		keys, err := access.Passkeys(t.Context(), me)
		if err != nil || len(keys) != 1 || keys[0].Name != "My key" || !keys[0].Used.IsZero() {
			t.Fatalf("got %+v, %v", keys, err)
		}
		raw, err := access.PasskeyOptions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answer := key.sign(t, raw)
		var in atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				pass, err := access.TryPasskey(t.Context(), answer, site.Arrival{})
				if err == nil {
					in.Add(1)
					if keeper, err := access.Session(t.Context(), pass.Session, site.Visit{}); err != nil || keeper.Me != me {
						t.Errorf("session of %+v, %v", keeper, err)
					}
				} else if !errors.Is(err, site.ErrWrong) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := in.Load(); n != 1 {
			t.Errorf("one answer has signed in %d times", n)
		}
		if browsers, err := access.Browsers(t.Context(), "", ""); err != nil || len(browsers) != 1 || browsers[0].How != "passkey" {
			t.Errorf("got %+v, %v", browsers, err)
		}
		if keys, _ := access.Passkeys(t.Context(), me); keys[0].Used.IsZero() {
			t.Error("its use was not noted")
		}
	})
}

// Whatever is altered in the answer of a passkey, nobody is signed in.
func TestPasskeyAnswersAreChecked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for name, alter := range map[string]func(access *site.Access, k *softKey, raw string) string{
			"another origin":       func(_ *site.Access, k *softKey, raw string) string { k.origin = "https://evil.example"; return raw },
			"a subdomain":          func(_ *site.Access, k *softKey, raw string) string { k.origin = "https://x.me.example"; return raw },
			"http":                 func(_ *site.Access, k *softKey, raw string) string { k.origin = "http://me.example"; return raw },
			"another host":         func(_ *site.Access, k *softKey, raw string) string { k.host = "evil.example"; return raw },
			"another ceremony":     func(_ *site.Access, k *softKey, raw string) string { k.kind = "webauthn.create"; return raw },
			"nobody has opened it": func(_ *site.Access, k *softKey, raw string) string { k.unverified = true; return raw },
			"another challenge": func(_ *site.Access, k *softKey, raw string) string {
				k.challenge = b64.EncodeToString(make([]byte, 40))
				return raw
			},
			"no challenge":              func(_ *site.Access, k *softKey, raw string) string { k.challenge = "x"; return raw },
			"another key":               func(_ *site.Access, k *softKey, raw string) string { k.private = newSoftKey(t).private; return raw },
			"unknown key":               func(_ *site.Access, k *softKey, raw string) string { k.id = []byte("unknown"); return raw },
			"another person":            func(_ *site.Access, k *softKey, raw string) string { k.user = []byte("somebody else"); return raw },
			"a copy that counts behind": func(_ *site.Access, k *softKey, raw string) string { k.counter = 0; return raw },
			"an old challenge": func(_ *site.Access, k *softKey, raw string) string {
				pass(61 * time.Minute)
				return raw
			},
			"a challenge to make one": func(a *site.Access, k *softKey, raw string) string {
				made, _ := a.NewPasskeyOptions(t.Context(), me, "session")
				k.challenge = k.read(t, made).Challenge
				return raw
			},
			"of another service": func(_ *site.Access, k *softKey, raw string) string {
				other := &site.Access{Site: w.site, DB: w.db}
				theirs, _ := other.PasskeyOptions(t.Context())
				return theirs
			},
		} {
			access, key := &site.Access{Site: w.site, DB: w.db}, newSoftKey(t)
			made, err := access.NewPasskeyOptions(t.Context(), me, "session")
			if err != nil {
				t.Fatal(err)
			}
			if err := access.AddPasskey(t.Context(), me, "session", name, key.register(t, made)); err != nil {
				t.Fatal(err)
			}
			key.counter = 7
			raw, err := access.PasskeyOptions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := access.TryPasskey(t.Context(), key.sign(t, raw), site.Arrival{}); err != nil {
				t.Fatalf("%s: the happy path: %v", name, err)
			}
			raw, _ = access.PasskeyOptions(t.Context())
			raw = alter(access, key, raw)
			if _, err := access.TryPasskey(t.Context(), key.sign(t, raw), site.Arrival{}); !errors.Is(err, site.ErrWrong) {
				t.Errorf("%s: got %v, want ErrWrong", name, err)
			}
		}
	})
}

// A passkey is made in the session that its page was shown in, and not by a stranger's
// words; what is removed, or whose person is dismissed, opens nothing.
func TestPasskeysBelongToAPerson(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access, key := keyed(t, w)
		made, err := access.NewPasskeyOptions(t.Context(), me, "one session")
		if err != nil {
			t.Fatal(err)
		}
		answer := newSoftKey(t).register(t, made)
		if err := access.AddPasskey(t.Context(), me, "another session", "x", answer); !errors.Is(err, site.ErrWrong) {
			t.Errorf("in another session: %v", err)
		}
		if err := access.AddPasskey(t.Context(), me, "one session", "x", answer); err != nil {
			t.Errorf("in its own: %v", err)
		}
		if err := access.AddPasskey(t.Context(), me, "one session", "x", answer); !errors.Is(err, site.ErrWrong) {
			t.Errorf("twice: %v", err)
		}
		again, _ := access.NewPasskeyOptions(t.Context(), me, "s")
		if err := access.AddPasskey(t.Context(), me, "s", "x", key.register(t, again)); !errors.Is(err, site.ErrPasskeys) {
			t.Errorf("the same key: %v", err)
		}
		w.site.Keepers = []site.Keeper{{Me: "https://bea.example/", Role: site.Moderator}}
		beas := newSoftKey(t)
		made, err = access.NewPasskeyOptions(t.Context(), "https://bea.example/", "s")
		if err != nil {
			t.Fatal(err)
		}
		if err := access.AddPasskey(t.Context(), "https://bea.example/", "s", "x", beas.register(t, made)); err != nil {
			t.Fatal(err)
		}
		raw, _ := access.PasskeyOptions(t.Context())
		if pass, err := access.TryPasskey(t.Context(), beas.sign(t, raw), site.Arrival{}); err != nil || pass.Keeper.Role != site.Moderator {
			t.Errorf("Bea is %+v, %v", pass.Keeper, err)
		}
		id := b64.EncodeToString(key.id)
		if err := access.DropPasskey(t.Context(), "https://bea.example/", id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("another's passkey: %v", err)
		}
		if err := access.DropPasskey(t.Context(), me, id); err != nil {
			t.Error(err)
		}
		w.site.Keepers = nil
		for name, k := range map[string]*softKey{"removed": key, "dismissed": beas} {
			raw, _ := access.PasskeyOptions(t.Context())
			if _, err := access.TryPasskey(t.Context(), k.sign(t, raw), site.Arrival{}); !errors.Is(err, site.ErrWrong) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

// Passkeys are for names: localhost is one, with any port, and an address is none.
func TestPasskeysByHost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for base, want := range map[string]bool{"http://localhost:9001/-/": true, "https://talk.example.com/x/": true, "http://127.0.0.1:8080/-/": false, "http://[::1]:8080/-/": false} {
			s := &site.Site{Key: "x", URL: &url.URL{Scheme: "https", Host: "me.example", Path: "/"}, Name: "Me", Base: base}
			raw, err := (&site.Access{Site: s, DB: w.db}).NewPasskeyOptions(t.Context(), "", "session")
			if err != nil || (raw != "") != want {
				t.Errorf("%s: got %q, %v", base, raw, err)
			}
		}
	})
}

// Nothing that comes instead of a passkey's answer does harm.
func FuzzPasskeyAnswers(f *testing.F) {
	dir := f.TempDir()
	leaktest.Dir(f, dir)
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	s := &site.Site{Key: "x", URL: &url.URL{Scheme: "https", Host: "me.example", Path: "/"}, Name: "Me", Base: "https://me.example/-/"}
	access := &site.Access{Site: s, DB: db}
	f.Add(`{"id":"eA","rawId":"eA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"` + strings.Repeat("A", 60) + `","signature":"eA","userHandle":"eA"}}`)
	f.Add(`{"id":"eA","rawId":"eA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUEA"}}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, answer string) {
		if _, err := access.TryPasskey(t.Context(), answer, site.Arrival{Visit: site.Visit{Agent: answer}}); err == nil {
			t.Errorf("%q signs in", answer)
		}
		if err := access.AddPasskey(t.Context(), "", "session", answer, answer); err == nil {
			t.Errorf("%q is a passkey", answer)
		}
	})
}
