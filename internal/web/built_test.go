package web_test

import (
	"net/url"
	"testing"
)

// Whoever builds the site may say that it is live, with a token that is good for nothing
// else, in a header or in the address.
func TestWhoBuildsTheSiteSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		token := func(scope string) string {
			secret, err := w.ana().Access.NewToken(w.Context(), "hook", []string{scope})
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
		deploy, create := token("deploy"), token("create")
		const at = "https://ana.example/-/built"
		for _, c := range []struct {
			address, bearer string
			want            int
		}{
			{at, deploy, 202},
			{at + "/" + deploy, "", 202},
			{at, "", 401},
			{at, "nonsense", 401},
			{at + "/nonsense", "", 401},
			{at, create, 403},
			{at + "/" + create, "", 403},
		} {
			var header []string
			if c.bearer != "" {
				header = []string{"Authorization", "Bearer " + c.bearer}
			}
			if a := w.visitor().post(c.address, url.Values{}, header...); a.status != c.want {
				t.Errorf("%s with %q: got %d, want %d: %s", c.address, c.bearer, a.status, c.want, a.body)
			}
		}
		if a := w.visitor().get(at); a.status != 405 {
			t.Errorf("GET: got %d", a.status)
		}
		if a := w.visitor().post("https://ana.example/-/micropub", url.Values{"h": {"entry"}, "content": {"x"}}, "Authorization", "Bearer "+deploy); a.status != 401 {
			t.Errorf("a post with it: got %d, want that it is good for nothing else", a.status)
		}
	})
}
