package lang_test

import (
	"strings"
	"testing"
	"time"

	"tertulia/internal/lang"
)

func TestForAndMatch(t *testing.T) {
	for tag, want := range map[string]string{"es": "es", "es-AR": "es", "ES_419": "es", "en": "en", "de": "en", "": "en", "est": "en", "\x00": "en"} {
		if got := lang.For(tag).Tag(); got != want {
			t.Errorf("For(%q): got %s, want %s", tag, got, want)
		}
	}
	for accept, want := range map[string]string{
		"": "en", "*": "en", "es": "es", "es-MX,es;q=0.9,en;q=0.8": "es", "en;q=0.5, es;q=0.9": "es", "de, fr;q=0.9": "en",
		"de, es;q=0.3, en;q=0.2": "es", "en-GB,en;q=0.9,es;q=0.8": "en", ";;;q=x": "en", strings.Repeat("es-", 5000): "en",
	} {
		if got := lang.Match(accept).Tag(); got != want {
			t.Errorf("Match(%.40q): got %s, want %s", accept, got, want)
		}
	}
	if (lang.Lang{}) != lang.For("en") {
		t.Error("the zero Lang is not English")
	}
}

func TestSentences(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{es.T("conversation.by", "Ana"), "respuesta de Ana"},
		{es.T("conversation.by", "{1} {2} {n}"), "respuesta de {1} {2} {n}"},
		{es.T("conversation.via", 12345), "vía 12.345"},
		{es.T("no.such.key", 1), "no.such.key"},
		{en.N("no.such.key", 1), "no.such.key"},
		{es.N("conversation.replies", 0), "0 respuestas"},
		{es.N("conversation.replies", 1), "1 respuesta"},
		{es.N("conversation.replies", 12), "12 respuestas"},
		{es.N("conversation.replies", 1_000_000), "1.000.000 de respuestas"},
		{es.N("conversation.replies", 1_000_001), "1.000.001 respuestas"},
		{es.N("conversation.likes", 1), "A 1 persona le gusta"},
		{en.N("conversation.replies", 1), "1 reply"},
		{en.N("conversation.replies", 2000), "2,000 replies"},
		{es.Number(1234), "1234"}, {es.Number(-12345), "-12.345"}, {en.Number(1234), "1,234"}, {en.Number(-7), "-7"},
		{es.Decimal(1.25, 1), "1,2"}, {en.Decimal(2, 1), "2.0"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestList(t *testing.T) {
	for want, names := range map[string][]string{
		"": nil, "Ana": {"Ana"}, "Ana y Bruno": {"Ana", "Bruno"}, "Ana, Bruno y Carla": {"Ana", "Bruno", "Carla"},
		"Ana e Inés": {"Ana", "Inés"}, "Ana e Íñigo": {"Ana", "Íñigo"}, "madres e hijas": {"madres", "hijas"}, "Ana e Yves": {"Ana", "Yves"},
		"agua y hielo": {"agua", "hielo"}, "Ana y Iago": {"Ana", "Iago"}, "Ana y Yolanda": {"Ana", "Yolanda"}, "Ana y ": {"Ana", ""},
	} {
		if got := es.List(names); got != want {
			t.Errorf("List(%q): got %q, want %q", names, got, want)
		}
	}
	if got, want := en.List([]string{"Ana", "Bruno", "Ian"}), "Ana, Bruno and Ian"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDates(t *testing.T) {
	madrid := time.FixedZone("", 3600)
	now := time.Date(2026, 11, 21, 18, 5, 0, 0, madrid)
	for _, c := range []struct{ got, want string }{
		{es.Date(now), "21 de noviembre de 2026, 18:05"}, {en.Date(now), "21 November 2026, 18:05"},
		{es.Day(now), "21 de noviembre de 2026"}, {es.Month(now), "noviembre de 2026"}, {en.Month(now), "November 2026"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	for _, c := range []struct {
		before time.Duration
		es, en string
	}{
		{0, "ahora mismo", "just now"},
		{-30 * time.Second, "ahora mismo", "just now"},
		{-time.Hour, "21 de noviembre de 2026", "21 November 2026"},
		{time.Minute, "hace 1 minuto", "1 minute ago"},
		{59 * time.Minute, "hace 59 minutos", "59 minutes ago"},
		{2*time.Hour + 59*time.Minute, "hace 2 horas", "2 hours ago"},
		{18 * time.Hour, "hace 18 horas", "18 hours ago"},
		{19 * time.Hour, "ayer", "yesterday"},
		{43 * time.Hour, "hace 2 días", "2 days ago"},
		{6 * 24 * time.Hour, "hace 6 días", "6 days ago"},
		{7 * 24 * time.Hour, "14 de noviembre de 2026", "14 November 2026"},
	} {
		at := now.Add(-c.before).UTC()
		if got := es.Ago(at, now); got != c.es {
			t.Errorf("%v ago: got %q, want %q", c.before, got, c.es)
		}
		if got := en.Ago(at, now); got != c.en {
			t.Errorf("%v ago: got %q, want %q", c.before, got, c.en)
		}
	}
	late := time.Date(2026, 11, 21, 0, 30, 0, 0, madrid)
	if got, want := es.Ago(late.Add(-time.Hour), late), "hace 1 hora"; got != want {
		t.Errorf("an hour ago across midnight: got %q, want %q", got, want)
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range []string{"es", "en;q=0.5, es", "*", "x-klingon", "es-ES-u-ca-gregory", ";q=", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if tag := lang.Match(accept).Tag(); tag != "es" && tag != "en" {
			t.Errorf("Match(%q): got %q", accept, tag)
		}
		if got := es.T("conversation.by", accept); got != "respuesta de "+accept {
			t.Errorf("T: got %q", got)
		}
		es.List([]string{accept, accept})
		lang.For(accept)
	})
}
