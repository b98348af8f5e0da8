package site_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"tertulia/internal/site"
)

// givenNames are names as they stand on profiles, and what is left of them.
var givenNames = map[string]string{
	"Bruno Díaz":          "Bruno",
	"Bruno":               "Bruno",
	"María-José Núñez":    "María-José",
	"Ana María López":     "Ana",
	"D'Arcy Lane":         "D'Arcy",
	"D’Arcy Lane":         "D’Arcy",
	"J.R. Ewing":          "J.R.",
	"J. R. R. Tolkien":    "J.",
	"Díaz, Bruno":         "Bruno",
	"Díaz García, Bruno":  "Díaz", // who can tell; it is one name, and no more
	"McKenzie Brown":      "McKenzie",
	"Þóra Jónsdóttir":     "Þóra",
	"Ольга Иванова":       "Ольга",
	"محمد علي":            "محمد",
	"สมชาย ใจดี":          "สมชาย",
	"अनीता शर्मा":         "अनीता",
	"Nguyễn Văn An":       "Nguyễn", // no sign tells that this one is the family's
	"bruno díaz":          "Bruno",
	"BRUNO DÍAZ":          "Bruno",
	"BRUNO":               "Bruno",
	"MARÍA-JOSÉ":          "María-José",
	"🦊 Bruno 🦊":           "Bruno",
	"🦊Bruno🦊 Díaz":        "Bruno",
	"Bruno :verified:":    "Bruno",
	":fox: Bruno Díaz":    "Bruno",
	"Bruno (él/he)":       "Bruno",
	"(he/him) Bruno Díaz": "Bruno",
	"[ES] Bruno Díaz":     "Bruno",
	"Bruno, el del mar":   "", // turned round by the comma, and no name
	"“Bruno” Díaz":        "Bruno",
	"~*~ Bruno ~*~":       "Bruno",
	"Bruno | bruno.dev":   "Bruno",
	"Bruno @ FOSDEM":      "Bruno",
	"Dr. Ana Pérez":       "Ana",
	"Dra. Ana Pérez":      "Ana",
	"Prof. Dr. Ana Pérez": "Ana",
	"Don Quijote":         "",
	"Dr. Pérez":           "",
	"Ben Smith":           "Ben",
	"Van Morrison":        "Van",
	"Al Gore":             "Al",
	"van Dyck":            "",
	"VAN DER BERG":        "Van",
	"de la Vega":          "",
	"De la Vega":          "",
	"El Blog de Ana":      "",
	"The Daily News":      "",
	"al-Farabi":           "", // one word that is written small
	"@bruno":              "",
	"@bruno@social.test":  "",
	"bruno@social.test":   "",
	"bruno":               "",
	"brunodiaz":           "",
	"brunoDiaz":           "",
	"BrunoDiaz":           "",
	"bruno_diaz":          "",
	"bruno-diaz":          "",
	"bruno82":             "",
	"82bruno Díaz":        "",
	"bruno.example":       "",
	"Bruno.example":       "",
	"bruno.dev Díaz":      "",
	"https://bruno.test/": "",
	"brid.gy":             "",
	"#bruno":              "",
	"山田太郎":                "",
	"山田 太郎":               "",
	"たろう":                 "",
	"김철수":                 "",
	"Bruno山田":             "",
	"🦊":                   "",
	"🦊🦊 :fox:":            "",
	"…":                   "",
	"'":                   "",
	",":                   "",
	", Bruno":             "Bruno",
	"Díaz,":               "",
	"(Bruno)":             "",
	"(Bruno":              "",
	"12 34":               "",
	"":                    "",
	"Ab" + "cdefghijklmnopqrstuvwxyzabc Díaz": "",
}

func TestGivenName(t *testing.T) {
	for name, want := range givenNames {
		if got := site.GivenName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// Whatever a profile says, what is left is one short word of letters, and adds none.
func FuzzGivenName(f *testing.F) {
	for name := range givenNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := site.GivenName(name)
		if utf8.RuneCountInString(got) > 24 || !utf8.ValidString(got) {
			t.Fatalf("%q: got %q", name, got)
		}
		letters := 0
		for _, r := range got {
			if unicode.IsLetter(r) {
				letters++
			} else if !unicode.IsMark(r) && !strings.ContainsRune("-'’.‐", r) {
				t.Fatalf("%q: got %q with %q in it", name, got, r)
			}
		}
		if got != "" && letters == 0 {
			t.Fatalf("%q: got %q", name, got)
		}
		if fold := strings.ToUpper(got); !strings.Contains(strings.ToUpper(name), fold) && !strings.Contains(strings.ToLower(name), strings.ToLower(got)) {
			t.Fatalf("%q: got %q, which is not in it", name, got)
		}
	})
}
