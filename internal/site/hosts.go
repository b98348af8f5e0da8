package site

// Hosts remembers which strangers' hosts have disappointed us lately. A page that says
// it was mentioned and does not link to us may be a victim that somebody points us at,
// so a host is asked for at most ten such pages a minute (HOSTILE 109); for those that
// hold what they promise there is no limit but the one at the door.
type Hosts struct{ failures rates }

const failuresPerMinute = 10

// Busy tells whether a host is to be left alone for now.
func (h *Hosts) Busy(host string) bool { return !h.failures.left(host) }

// disappoint counts a page that was not what it was said to be.
func (h *Hosts) disappoint(host string) { h.failures.allow(host, failuresPerMinute) }
