package theme_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tertulia/internal/web/theme"
)

// Text is at least 4.5 times, and the edge of a field 3 times, as bright or dark as
// what it stands on, in both colour schemes (WCAG 2.2, 1.4.3 and 1.4.11).
func TestColoursHaveContrast(t *testing.T) {
	css, hash := theme.Stylesheet()
	if hash == "" {
		t.Error("no hash")
	}
	light, dark, found := strings.Cut(string(css), "prefers-color-scheme: dark")
	if !found {
		t.Fatal("no dark scheme")
	}
	for name, scheme := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(scheme, -1) {
			colour[m[1]] = m[2]
		}
		for _, c := range []struct {
			text, on string
			want     float64
		}{
			{"ink", "paper", 7}, {"ink", "card", 7}, {"ink", "tint", 7},
			{"muted", "paper", 4.5}, {"muted", "card", 4.5}, {"muted", "tint", 4.5},
			{"accent", "paper", 4.5}, {"accent", "card", 4.5}, {"accent", "tint", 4.5}, {"accent-ink", "accent", 4.5},
			{"field", "card", 3}, {"field", "tint", 3}, {"field", "paper", 3},
		} {
			if got := contrast(colour[c.text], colour[c.on]); got < c.want {
				t.Errorf("%s: %s on %s: contrast %.2f, want %.1f", name, c.text, c.on, got, c.want)
			}
		}
	}
}

func TestStylesheetLoadsNothing(t *testing.T) {
	css, _ := theme.Stylesheet()
	for _, word := range []string{"url(", "@import", "@font-face", "http"} {
		if strings.Contains(string(css), word) {
			t.Errorf("style.css has %q", word)
		}
	}
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + .05) / (math.Min(x, y) + .05)
}

// luminance is the relative luminance of a colour in hexadecimal, as WCAG defines it.
func luminance(hex string) float64 {
	var sum float64
	for i, weight := range []float64{.2126, .7152, .0722} {
		v, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			panic(err)
		}
		c := float64(v) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
