package syndicate_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
)

// A composer opens with exactly the text, whatever is in it.
func TestPreparedTextsOpenTheirComposers(t *testing.T) {
	p := post(entry("content", "Pan & vino: 100 % «ñandú» + 1 #educación\n¿vienes? 👩‍👩‍👧", "photo", "/pan y vino.jpg"))
	type opened struct {
		Host, Path string
		Query      url.Values
	}
	text := "Pan & vino: 100 % «ñandú» + 1 #educación\n¿vienes? 👩‍👩‍👧\n\n" + home
	want := map[string]opened{
		"x":         {"x.com", "/intent/post", url.Values{"text": {text}}},
		"threads":   {"www.threads.com", "/intent/post", url.Values{"text": {text}}},
		"facebook":  {"www.facebook.com", "/sharer/sharer.php", url.Values{"u": {home}}},
		"linkedin":  {"www.linkedin.com", "/sharing/share-offsite/", url.Values{"url": {home}}},
		"pinterest": {"www.pinterest.com", "/pin/create/button/", url.Values{"url": {home}, "media": {"https://ana.example/pan%20y%20vino.jpg"}, "description": {text}}},
		"instagram": {}, "youtube": {}, "foursquare": {},
	}
	for _, network := range syndicate.PreparedNetworks() {
		ready, err := syndicate.Prepare(network, p)
		if err != nil {
			t.Errorf("%s: %v", network, err)
			continue
		}
		if !strings.HasPrefix(ready.Text, "Pan & vino: 100 % «ñandú» + 1 #educación\n¿vienes? 👩‍👩‍👧") || ready.Network != network {
			t.Errorf("%s: got %+v", network, ready)
		}
		if strings.ContainsAny(ready.Composer, "+ \n\"<>") {
			t.Errorf("%s: the address has a sign that some take for another: %s", network, ready.Composer)
		}
		var got opened
		if ready.Composer != "" {
			u, err := url.Parse(ready.Composer)
			if err != nil || u.Scheme != "https" {
				t.Fatalf("%s: %q, %v", network, ready.Composer, err)
			}
			got = opened{u.Host, u.Path, u.Query()}
		}
		if diff := cmp.Diff(want[network], got); diff != "" {
			t.Errorf("%s: %s", network, diff)
		}
	}
	if len(want) != len(syndicate.PreparedNetworks()) {
		t.Errorf("got %v", syndicate.PreparedNetworks())
	}
}

func TestPreparedTextsFitTheirNetworks(t *testing.T) {
	for network, most := range map[string]int{"x": 280, "threads": 500, "pinterest": 500, "instagram": 2200, "youtube": 5000, "foursquare": 200, "linkedin": 3000} {
		long, err := syndicate.Prepare(network, post(entry("content", strings.Repeat("educación 👩‍👩‍👧 ", 800))))
		if err != nil {
			t.Fatal(err)
		}
		measure := map[string]syndicate.Measure{"x": syndicate.Weighted, "threads": syndicate.EmojiBytes}[network]
		if measure == nil {
			measure = syndicate.UTF16
		}
		if n := measure(long.Text); n > most+len(home)-23 || n < most*9/10 || !strings.HasSuffix(long.Text, "…\n\n"+home) {
			t.Errorf("%s: %d of %d: …%s", network, n, most, long.Text[len(long.Text)-80:])
		}
	}
	for _, network := range []string{"x", "myspace"} {
		if ready, err := syndicate.Prepare(network, post(entry("like-of", "https://a.example/"))); !errors.Is(err, syndicate.ErrUnsupported) {
			t.Errorf("%s: got %+v, %v", network, ready, err)
		}
	}
}
