package site_test

import (
	"testing"

	"tertulia/internal/site"
)

// Sites that share a service share its passkeys' host: who looks after several of them can tell
// in the browser's list which passkey is for which.
func TestPasskeysSayForWhichSiteTheyAre(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for key, want := range map[string]string{"bea.example": "bea.example", "ana.example": "bea.example (ana.example)", "ana.example/blog": "bea.example (ana.example/blog)"} {
			s := &site.Site{Key: key, URL: parse(t, "https://"+key+"/"), Name: "Tertulia", Base: "https://talk.example/" + key + "/", Keepers: []site.Keeper{{Me: "https://bea.example/", Name: "Bea", Role: site.Moderator}}}
			raw, err := (&site.Access{Site: s, DB: w.db}).NewPasskeyOptions(t.Context(), "https://bea.example/", "session")
			if got := newSoftKey(t).read(t, raw).User.Name; err != nil || got != want {
				t.Errorf("%s: got %q, %v, want %q", key, got, err, want)
			}
		}
	})
}
