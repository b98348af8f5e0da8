package fetch

// Check is what the guard of Strangers(o) says about a dial. The public half of
// its table cannot be tested by dialling.
func Check(o Options, network, address string) error {
	return newGuard(o.withDefaults()).control(network, address, nil)
}
