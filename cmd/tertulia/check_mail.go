package main

import (
	"context"
	"time"
)

// mailTime is how long the mail server may take.
const mailTime = 20 * time.Second

// mail says whether the mail server takes us: whether it answers, is who it says it is, and knows the
// name and the password. No mail is sent.
func (k *checker) mail(ctx context.Context) {
	m := k.set.mailer()
	if m == nil {
		return
	}
	m.Timeout = mailTime
	to := k.one.Notify.telling(k.one.Author).To
	switch err := m.Check(ctx); {
	case err != nil:
		k.fail("mail", "mail.down", m.Host, why(err))
	case to == "":
		k.warn("mail", "mail.nobody", m.Host)
	default:
		k.ok("mail", "mail.ok", m.Host, to)
	}
}
