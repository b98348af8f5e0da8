package main

import (
	"context"
	"time"
)

// noticeEvery is how long a change of a conversation may go unnoticed that is to be written into
// the source of its site.
const noticeEvery = time.Minute

// noticing has conversations that have changed written into the source of their site, and the
// copies of posts asked for answers.
func (svc *service) noticing(ctx context.Context) {
	tick := time.NewTicker(noticeEvery)
	defer tick.Stop()
	for {
		if err := svc.jobs.NoticeTalk(ctx); err != nil && ctx.Err() == nil {
			svc.log.Error("it cannot be noticed whether conversations have changed", "error", err)
		}
		if err := svc.jobs.NoticeAnswers(ctx); err != nil && ctx.Err() == nil {
			svc.log.Error("copies cannot be asked for their answers", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
