package site

// NameOf shows tests by what responses are told apart.
func NameOf(address string) string { return nameOf(address) }
