package webtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Names is a name system whose answers are scripted: name with a dot at its end → lists of
// addresses. The n-th question for the IPv4 addresses of a name gets those of its n-th list,
// later ones of the last; its IPv6 addresses are those of all lists. It asks no network and
// works in a synctest bubble.
type Names struct {
	Answers map[string][][]string

	mu sync.Mutex
}

// Resolver is Go's own, asking n over a pipe in memory.
func (n *Names) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go n.serve(theirs)
		return ours, nil
	}}
}

func (n *Names) four(name string) (found []netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lists := n.Answers[name]
	if len(lists) == 0 {
		return nil
	}
	if len(lists) > 1 {
		n.Answers[name] = lists[1:]
	}
	return addresses(lists[0], netip.Addr.Is4)
}

func (n *Names) six(name string) []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	return addresses(slices.Concat(n.Answers[name]...), netip.Addr.Is6)
}

func addresses(list []string, wanted func(netip.Addr) bool) (found []netip.Addr) {
	for _, a := range list {
		if addr := netip.MustParseAddr(a); wanted(addr) {
			found = append(found, addr)
		}
	}
	return found
}

// serve answers as over TCP, where each message comes after its length.
func (n *Names) serve(c net.Conn) {
	defer c.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		reply := n.reply(query)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

func (n *Names) reply(query []byte) []byte {
	var msg dnsmessage.Message
	if msg.Unpack(query) != nil || len(msg.Questions) != 1 {
		return nil
	}
	q := msg.Questions[0]
	msg.Header = dnsmessage.Header{ID: msg.Header.ID, Response: true, Authoritative: true, RecursionAvailable: true}
	msg.Additionals = nil
	add := func(body dnsmessage.ResourceBody) {
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		msg.Answers = append(msg.Answers, dnsmessage.Resource{Header: head, Body: body})
	}
	name := strings.ToLower(q.Name.String())
	switch q.Type {
	case dnsmessage.TypeA:
		for _, a := range n.four(name) {
			add(&dnsmessage.AResource{A: a.As4()})
		}
	case dnsmessage.TypeAAAA:
		for _, a := range n.six(name) {
			add(&dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	reply, err := msg.Pack()
	if err != nil {
		return nil
	}
	return reply
}
