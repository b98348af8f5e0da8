package site

import "net/url"

// Proven tells whether a page of a host of which nothing is known proves by its address alone
// that it is by the owner of a profile.
func Proven(final, profile *url.URL) bool { return known{}.needs(final, profile) == proven }

// Known are the identities of the owner of a profile.
func Known(profile *url.URL) []string { return identitiesOf(profile) }

// GivenName is what is left of a name of which only the given one is shown.
func GivenName(name string) string { return givenName(name) }

// Cleaned is what is kept of what was typed, or why nothing is.
func Cleaned(d Draft) (Draft, error) {
	err := d.clean()
	return d, err
}
