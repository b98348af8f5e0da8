package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tertulia/internal/leaktest"
	"tertulia/store"
)

// The mail address of the settings is for those who may know it, and nobody else.
func TestMailAddressIsForWhoMayKnowIt(t *testing.T) {
	dir := t.TempDir()
	leaktest.Dir(t, dir)
	set := load(t, "data='"+dir+"'\n[[site]]\nurl='http://localhost:8080/'\nauthor={name='Ana', email='ana@example.com'}\n", nil)
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	svc, err := wire(set, db, newClients(set, quiet()), quiet())
	if err != nil {
		t.Fatal(err)
	}
	get := func(path, secret string) string {
		r := httptest.NewRequest(http.MethodGet, "http://localhost:8080/-/"+path, nil)
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		rec := httptest.NewRecorder()
		svc.http.ServeHTTP(rec, r)
		return rec.Body.String()
	}
	if said := get("metadata", ""); !strings.Contains(said, `"email"`) || strings.Contains(said, "ana@") {
		t.Errorf("the metadata say %s", said)
	}
	for scopes, known := range map[string]bool{"profile email": true, "profile": false, "email": false, "create read": false} {
		secret, err := svc.app.sites[0].Access.NewToken(t.Context(), "test", strings.Fields(scopes))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"userinfo", "token"} {
			if said := get(path, secret); strings.Contains(said, "ana@example.com") != known {
				t.Errorf("with %s, %s says %s", scopes, path, said)
			}
		}
	}
}
