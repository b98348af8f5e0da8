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
		case name == accessToken || len(values) == 0:
		case isCommand(name):
			c.Commands[name] = values
		default:
			properties[name] = values
		}
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
	describePhotos(properties["photo"], c.Commands[photoAlt])
	delete(c.Commands, photoAlt)
	c.Item = mf2.Item{Type: it.Type, Properties: properties, Children: it.Children}
	return c, nil
}

// describePhotos gives the n-th photo the n-th text, in the form that JSON has for
// it. A photo that brought its own keeps it.
//
// Spec: micropub#json-syntax-p-7
func describePhotos(photos, texts []any) {
	for i, text := range texts {
		alt, _ := text.(string)
		if i >= len(photos) || alt == "" {
			continue
		}
		if address, ok := photos[i].(string); ok {
			photos[i] = map[string]any{"value": address, "alt": alt}
		}
	}
}

// digest identifies the request: who sent it, and what it asks for.
func (c Create) digest(g Grant) (string, error) {
	// encoding/json sorts the keys of maps.
	canonical, err := json.Marshal([]any{g.ClientID, g.Me, c.Item, c.Commands})
	if err != nil {
		return "", fmt.Errorf("digest of a create: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// checkName refuses names that could pass for another one, or that no
// vocabulary would have.
func checkName(name string) error {
	switch lower := strings.ToLower(name); {
	case name == "":
		return invalid("a property has no name")
	case len(name) > 200:
		return invalid("a property name is longer than 200 bytes")
	case strings.ContainsFunc(name, unicode.IsControl), strings.ContainsAny(name, "[]"):
		return invalid("%q is not the name of a property", clip(name))
	case lower != name && (lower == accessToken || isCommand(lower)):
		return invalid("%q must be in lower case", clip(name))
	}
	return nil
}

// The properties whose values are addresses or objects, never numbers.
var addresses = map[string]bool{
	"url": true, "uid": true, "photo": true, "video": true, "audio": true, "featured": true, "syndication": true,
	"in-reply-to": true, "like-of": true, "repost-of": true, "bookmark-of": true,
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

// clip shortens what a message repeats.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
