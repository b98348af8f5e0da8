package micropub

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"tertulia/mf2"
)

// photoAlt is the command whose n-th value describes the n-th photo.
const photoAlt = "mp-photo-alt"

var typeName = regexp.MustCompile(`^h-[a-z0-9]+(-[a-z0-9]+)*$`)

// newCreate separates the commands from the properties of a decoded item, and
// checks both. Everything else is kept as it was sent, known or not.
//
// Spec: micropub#servers-li-2
// Spec: micropub#vocabulary-p-1
// Spec: micropub#unrecognized-properties-p-1
// Spec: micropub#reserved-properties-p-5
// Spec: micropub#reserved-properties-p-6
// Spec: micropub#reserved-properties-p-7
func newCreate(it mf2.Item) (Create, error) {
	c := Create{Commands: map[string][]any{}}
	properties := map[string][]any{}
	for _, name := range slices.Sorted(maps.Keys(it.Properties)) {
		values := it.Properties[name]
		if err := cmp.Or(checkName(name), checkValues(name, values)); err != nil {
			return Create{}, err
		}
		switch {
		case name == accessToken || len(values) == 0 && name != syndicateTo:
		case isCommand(name):
			command(c.Commands, name, values)
		default:
			properties[name] = values
		}
	}
	properties["photo"] = describePhotos(properties["photo"], c.Commands[photoAlt])
	delete(c.Commands, photoAlt)
	if len(properties["photo"]) == 0 {
		delete(properties, "photo")
	}
	if len(properties) == 0 {
		return Create{}, invalid("there is nothing to post: no property has a value")
	}
	for _, typ := range it.Type {
		if !typeName.MatchString(typ) {
			return Create{}, invalid("%q is not a type of post", clip(typ))
		}
	}
	// Spec: micropub#create-p-1
	if len(it.Type) == 0 {
		it.Type = []string{"h-entry"}
	}
	c.Item = mf2.Item{Type: it.Type, Properties: properties, Children: it.Children}
	return c, nil
}

// syndicateTo without a value says that nobody wants a copy, and not that nothing is said of them.
const syndicateTo = "mp-syndicate-to"

// command keeps an instruction. One without a value is as good as none, but for syndicateTo; and a
// description that is empty keeps the place of its photo.
func command(commands map[string][]any, name string, values []any) {
	if name != photoAlt {
		values = slices.DeleteFunc(slices.Clone(values), func(v any) bool { return v == any("") })
	}
	delete(commands, name)
	if len(values) > 0 || name == syndicateTo {
		commands[name] = values
	}
}

// describePhotos gives the n-th photo the n-th text, in the form that JSON has for
// it, and returns the photos without those that are "": they only held a place. A
// photo that brought its own text keeps it.
//
// Spec: micropub#json-syntax-p-7
func describePhotos(photos, texts []any) []any {
	var described []any
	for i, photo := range photos {
		address, isString := photo.(string)
		if isString && address == "" {
			continue
		}
		if i < len(texts) && isString {
			if alt, _ := texts[i].(string); alt != "" {
				photo = map[string]any{"value": address, "alt": alt}
			}
		}
		described = append(described, photo)
	}
	return described
}

// digest identifies the request: who sent it, what it asks for, and whether it may
// be more than a draft.
func (c Create) digest(g Grant) (string, error) {
	// encoding/json sorts the keys of maps.
	canonical, err := json.Marshal([]any{g.ClientID, g.Me, g.DraftsOnly(), c.Item, c.Commands})
	if err != nil {
		return "", fmt.Errorf("digest of a create: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// checkName refuses names that could pass for another one, or that no
// vocabulary would have.
func checkName(name string) error {
	switch folded := fold(name); {
	case name == "":
		return invalid("a property has no name")
	case len(name) > 200:
		return invalid("a property name is longer than 200 bytes")
	case strings.ContainsFunc(name, unicode.IsControl), strings.ContainsAny(name, "[]"):
		return invalid("%q is not the name of a property", clip(name))
	case folded != name && (folded == accessToken || isCommand(folded)):
		return invalid("%q must be in lower case", clip(name))
	}
	return nil
}

// The properties whose values are addresses or objects, never numbers.
var addresses = map[string]bool{
	"url": true, "uid": true, "photo": true, "video": true, "audio": true, "featured": true, "syndication": true,
	"in-reply-to": true, "like-of": true, "repost-of": true, "bookmark-of": true, "audience": true,
}

// checkValues refuses values that mean nothing, and tokens that would be stored.
func checkValues(name string, values []any) error {
	for _, v := range values {
		switch v.(type) {
		case nil:
			return invalid("%q has a null", name)
		case json.Number, float64, bool:
			if addresses[name] {
				return invalid("%q must be an address", name)
			}
		}
		if holdsToken(v) {
			return invalid("access_token inside a property")
		}
		if holdsFile(v) || addresses[name] && isData(v) {
			return invalid("%q holds a file as a data: address; upload it and send its address", clip(name))
		}
	}
	return nil
}

// holdsToken looks for a key access_token at any depth.
func holdsToken(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, holdsToken)
	case map[string]any:
		for key, value := range v {
			if strings.EqualFold(key, accessToken) || holdsToken(value) {
				return true
			}
		}
	}
	return false
}

// holdsFile looks for a data: address that is a file rather than the mention of
// one, at any depth. An editor that finds no media endpoint puts pictures into the
// text that way; kept, they would be copied with every revision of the post.
func holdsFile(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, holdsFile)
	case map[string]any:
		for _, value := range v {
			if holdsFile(value) {
				return true
			}
		}
	case string:
		for _, rest := range strings.Split(strings.ToLower(v), "data:")[1:] {
			if end := strings.IndexAny(rest, " \t\r\n\"'<>()"); end > maxData || end < 0 && len(rest) > maxData {
				return true
			}
		}
	}
	return false
}

// isData tells whether a value is a data: address.
func isData(v any) bool {
	s, _ := v.(string)
	_, is := cutFold(s, "data:")
	return is
}

// maxData is how many bytes of data an address in a text may have.
const maxData = 4 << 10

// clip shortens what a message repeats.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
