package store

import "strconv"

// A counter is a number in decimal digits under its key; one that reaches zero is
// gone. It is changed in the transaction of what it counts.

// add changes a counter.
func (tx *Tx) add(k []byte, by int) error {
	n := by
	if raw := tx.r.get(k); raw != nil {
		have, err := strconv.Atoi(string(raw))
		if err != nil {
			return &DamagedError{Key: readable(k), Reason: "it is not a number"}
		}
		n += have
	}
	if n <= 0 {
		return tx.w.delete(k)
	}
	return tx.w.put(k, []byte(strconv.Itoa(n)))
}

// number reads one counter.
func (tx *Tx) number(k []byte) int {
	n, _ := strconv.Atoi(string(tx.r.get(k))) // absent: nothing was counted yet
	return n
}

// numbers reads the counters of a table below its parts.
func (tx *Tx) numbers(table string, parts ...string) map[string]int {
	found := map[string]int{}
	pre := prefix(tx.Site, table, parts...)
	for k, v := range tx.r.scan(pre, nil, false) {
		if n, err := strconv.Atoi(string(v)); err == nil {
			found[string(k[len(pre):])] = n
		}
	}
	return found
}
