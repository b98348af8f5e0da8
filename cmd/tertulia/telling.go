package main

import (
	"context"
	"time"
)

// tellEvery is how long what there is to tell may go unnoticed.
const tellEvery = 10 * time.Second

// telling has the owners told what happens on their sites.
func (svc *service) telling(ctx context.Context) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := svc.jobs.Notice(ctx); err != nil && ctx.Err() == nil {
			svc.log.Error("it cannot be noticed what there is to tell", "error", err)
		}
	}
}
