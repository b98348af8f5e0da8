package lang_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/lang"
)

var (
	es, en      = lang.For("es"), lang.For("en")
	placeholder = regexp.MustCompile(`\{[^}]*\}`)
)

func TestCataloguesHaveTheSameKeys(t *testing.T) {
	if diff := cmp.Diff(es.Keys(), en.Keys()); diff != "" {
		t.Errorf("keys of es.toml and en.toml differ (-es +en):\n%s", diff)
	}
}

func TestCataloguesHaveEveryPluralForm(t *testing.T) {
	for _, key := range es.Keys() {
		spanish, english := es.Forms(key), en.Forms(key)
		if len(spanish) == 1 && len(english) == 1 {
			continue
		}
		for _, form := range []string{"one", "many", "other"} {
			if spanish[form] == "" || len(spanish) != 3 {
				t.Errorf("es %s: forms %v, want one, many, other", key, spanish)
				break
			}
		}
		if english["one"] == "" || english["other"] == "" || len(english) != 2 {
			t.Errorf("en %s: forms %v, want one, other", key, english)
		}
	}
}

func TestCataloguesHaveTheSamePlaceholders(t *testing.T) {
	find := func(s string) []string {
		found := placeholder.FindAllString(s, -1)
		slices.Sort(found)
		return found
	}
	for _, key := range es.Keys() {
		want := find(en.Forms(key)["other"])
		for _, l := range []lang.Lang{es, en} {
			for form, s := range l.Forms(key) {
				got := find(s)
				if form == "one" { // may say the number in words
					got = slices.DeleteFunc(got, func(p string) bool { return p == "{n}" })
					want := slices.DeleteFunc(slices.Clone(want), func(p string) bool { return p == "{n}" })
					if !slices.Equal(got, want) {
						t.Errorf("%s %s one: placeholders %v, want %v", l.Tag(), key, got, want)
					}
				} else if !slices.Equal(got, want) {
					t.Errorf("%s %s %s: placeholders %v, want %v", l.Tag(), key, form, got, want)
				}
			}
		}
	}
}

// Every sentence that code or templates ask for exists, and every sentence is
// asked for: by its name in quotes, or by its beginning ("scope." + name).
func TestCataloguesHaveWhatIsUsedAndNothingElse(t *testing.T) {
	asked := regexp.MustCompile(`(?:\b[TN]|\.[TN]\()\s*"([a-z0-9.-]+)"`)
	begun := regexp.MustCompile(`(?:print|T\(|N\()\s*"([a-z]+\.)"`)
	quoted := regexp.MustCompile(`"([a-z0-9-]+(?:\.[a-z0-9-]+)+)"`)
	used := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		ext := filepath.Ext(path)
		if ext != ".html" && ext != ".tmpl" && ext != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range asked.FindAllSubmatch(b, -1) {
			if key := string(m[1]); !strings.HasSuffix(key, ".") && !es.Has(key) && strings.Contains(key, ".") {
				t.Errorf("%s asks for %q, which no catalogue has", path, key)
			}
		}
		for _, m := range quoted.FindAllSubmatch(b, -1) {
			used[string(m[1])] = true
		}
		for _, m := range begun.FindAllSubmatch(b, -1) {
			for _, key := range es.Keys() {
				if strings.HasPrefix(key, string(m[1])) {
					used[key] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range es.Keys() {
		if !used[key] {
			t.Errorf("nothing uses %q", key)
		}
	}
}

// The Spanish is neutral, of tú, without gendered endings, and says things by
// their agreed names.
func TestSpanishFollowsTheGlossary(t *testing.T) {
	avoid := regexp.MustCompile(`(?i)\b(usted(es)?|vosotr[oa]s|vuestr[oa]s?|os|vos|bienvenid[oa]s?|usuari[oa]s?|` +
		`ordenador(es)?|computadoras?|endpoints?|passkeys?|backups?|login|like|likes|posts?|email|feedback|hacer clic|cliquear|` +
		`(un|el|los|del|al) webmentions?|registrad[oa]s?|conectad[oa]s?|segur[oa] de que|todos|nosotros)\b|[oae]/[oae]s?\b|\([oae]s?\)|@`)
	want := map[string]string{
		"post.like": "Me gusta", "post.kind.repost": "Compartido", "post.kind.bookmark": "Guardado", "post.kind.rsvp": "Confirmación",
		"inbox.approve": "Aprobar", "inbox.reject": "Rechazar", "stage.pending.name": "Pendiente de revisión", "conversation.someone": "Alguien",
	}
	for _, key := range es.Keys() {
		for form, s := range es.Forms(key) {
			if found := avoid.FindString(s); found != "" {
				t.Errorf("%s (%s) says %q: %s", key, form, found, s)
			}
			if strings.Count(s, "?") != strings.Count(s, "¿") || strings.Count(s, "!") != strings.Count(s, "¡") {
				t.Errorf("%s (%s) lacks an opening mark: %s", key, form, s)
			}
		}
		if w, ok := want[key]; ok && es.T(key) != w {
			t.Errorf("%s: got %q, want %q", key, es.T(key), w)
		}
	}
}
