package web

// FindPlace is findPlace for the fuzzer.
func FindPlace(page []byte, s Selector) (from, to int, ok bool) {
	at, ok := findPlace(page, s)
	return at.from, at.to, ok
}

// Heard is what uploads go through.
var Heard = heard

// AsItCame is asItCame for the fuzzer.
var AsItCame = asItCame
