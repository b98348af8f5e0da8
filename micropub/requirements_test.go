package micropub_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// elsewhere are the requirements of the protocol, its extensions and its clients
// that a Micropub endpoint cannot meet, and who does.
var elsewhere = map[string]string{
	"MP-3":  "a client's",
	"MP-11": "showing text is the page's",
	"MP-26": "the home page advertises the endpoint",
	"CL-1":  "discovery: the home page",
	"CL-2":  "the authorization endpoint",
	"CL-3":  "the token endpoint",
	"CL-12": "the token endpoint",
	"CL-13": "discovery: the home page and the metadata",
	"CL-14": "the authorization endpoint",
	"CL-15": "the token endpoint",
	"CL-21": "the server of the page that was promised answers 404 until it is there",
	"CL-22": "discovery: the home page",
	"CL-23": "the authorization endpoint",
	"CL-24": "the token endpoint",
	"CL-25": "the token endpoint",
	"CL-32": "discovery: the home page",
}

// required are the requirements, all of them, by the numbers that cases cite.
func required() []string {
	var ids []string
	number := func(prefix string, from, to int) {
		for n := from; n <= to; n++ {
			ids = append(ids, prefix+strconv.Itoa(n))
		}
	}
	number("MP-", 1, 28)
	number("MX-", 1, 27)
	number("CL-", 1, 34)
	for _, n := range []int{1, 2, 3, 5, 6, 9, 11} {
		number("D", n, n)
	}
	return ids
}

var cited = regexp.MustCompile(`\b(?:(?:MP|MX|CL)-|D)[0-9]+\b`)

// Every requirement that concerns the endpoint has a case whose first line names
// it, and no case names one that is not there.
func TestEveryRequirementHasACase(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, name := range cases {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		why, _, _ := strings.Cut(string(data), "\n")
		for _, id := range cited.FindAllString(why, -1) {
			shown[id] = true
			if !slices.Contains(required(), id) {
				t.Errorf("%s names %s, which is no requirement", name, id)
			}
		}
	}
	for _, id := range required() {
		switch whose := elsewhere[id]; {
		case whose == "" && !shown[id]:
			t.Errorf("%s has no case", id)
		case whose != "" && shown[id]:
			t.Errorf("%s has a case, and is also said to be elsewhere: %s", id, whose)
		}
	}
}
