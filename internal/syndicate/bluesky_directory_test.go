package syndicate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
	"tertulia/internal/webtest"
)

// says200 answers every path of a host with its text, and others with 404.
func says200(web *webtest.Web, host string, answers map[string]string) {
	web.Handle(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, answer) // whoever asked may have gone
	}))
}

func document(did, handle, server string) string {
	return fmt.Sprintf(`{"id":%q,"alsoKnownAs":["https://ana.example","at://%s"],"service":[{"id":"#other","serviceEndpoint":"https://other.example"},{"id":"#atproto_pds","type":"AtprotoPersonalDataServer","serviceEndpoint":%q}]}`, did, handle, server)
}

func TestBlueskyDirectoryFindsWhereAnAccountLives(t *testing.T) {
	web := webtest.New(t)
	const resolve = "/xrpc/com.atproto.identity.resolveHandle?handle="
	says200(web, "public.api.bsky.app", map[string]string{
		resolve + "ana.example": `{"did":"did:plc:ana"}`, resolve + "stolen.example": `{"did":"did:plc:ana"}`, resolve + "web.example": `{"did":"did:web:web.example"}`,
		resolve + "gone.example": `{"did":"did:plc:gone"}`, resolve + "odd.example": `{"did":"did:plc:odd"}`, resolve + "homeless.example": `{"did":"did:plc:homeless"}`, resolve + "nonsense.example": `{"did":"../x"}`,
	})
	says200(web, "plc.directory", map[string]string{
		"/did:plc:ana":      document("did:plc:ana", "Ana.Example", "https://pds.example/"),
		"/did:plc:odd":      document("did:plc:ana", "odd.example", "https://pds.example"),
		"/did:plc:homeless": document("did:plc:homeless", "homeless.example", "javascript:alert(1)"),
		"/did:plc:bea":      document("did:plc:bea", "bea.example", "https://bea.example"),
	})
	says200(web, "web.example", map[string]string{"/.well-known/did.json": document("did:web:web.example", "web.example", "https://pds.example")})
	says200(web, "bea.example", map[string]string{"/.well-known/atproto-did": "did:plc:bea\n"})
	directory := syndicate.BlueskyDirectory{Client: web.Client()}
	ana := syndicate.BlueskyHome{DID: "did:plc:ana", Handle: "ana.example", Server: "https://pds.example"}
	for account, want := range map[string]syndicate.BlueskyHome{
		" @ANA.example": ana, "did:plc:ana": ana,
		"web.example": {DID: "did:web:web.example", Handle: "web.example", Server: "https://pds.example"},
		"bea.example": {DID: "did:plc:bea", Handle: "bea.example", Server: "https://bea.example"}, // which the resolver does not know
	} {
		got, err := directory.Find(context.Background(), account)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", account, err, diff)
		}
	}
	for _, account := range []string{"", "@", "ana", "ana example", "https://ana.example/", "stolen.example", "gone.example", "homeless.example", "nonsense.example", "nobody.example", "did:web:localhost", "did:web:127.0.0.1", "did:key:x", "did:plc:", "ana.example/../x"} {
		if got, err := directory.Find(context.Background(), account); !errors.Is(err, fs.ErrNotExist) || got != (syndicate.BlueskyHome{}) {
			t.Errorf("%q: got %v %v, want fs.ErrNotExist", account, got, err)
		}
	}
	for account, down := range map[string]string{"ana.example": "plc.directory", "nobody.example": "public.api.bsky.app"} {
		web.Down(down, true)
		if _, err := directory.Find(context.Background(), account); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("while %s is down: got %v, want an error that is none of %s's", down, err, account)
		}
		web.Down(down, false)
	}
	if _, err := directory.Find(context.Background(), "odd.example"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that answers with another: got %v", err)
	}
}

func TestBlueskyDirectoryReadsTheRealOne(t *testing.T) {
	n := needsReal(t, false)
	ana := n.person(t, "ana")
	directory := syndicate.BlueskyDirectory{Client: n.client, Resolver: n.PDS, PLC: n.PLC}
	got, err := directory.Find(context.Background(), ana.Handle)
	if diff := cmp.Diff(syndicate.BlueskyHome{DID: ana.DID, Handle: ana.Handle, Server: n.PDS}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	who, err := ana.target().Who(context.Background())
	if diff := cmp.Diff(syndicate.Author{Name: ana.Handle, Handle: ana.Handle, URL: "https://bsky.app/profile/" + ana.Handle}, who); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
