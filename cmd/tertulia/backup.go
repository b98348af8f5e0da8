package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// backup makes a backup where the data is: in the running service or here. Either has
// its own idea of where a relative path begins, so it is made absolute first.
func backup(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	file, err := filepath.Abs(f.words[0])
	if err != nil {
		return io.fail(err, "")
	}
	args := []string{"backup", "--", file}
	if code, ok := callService(ctx, set.Data, args, io); ok {
		return code
	}
	return runHere(ctx, set, args, io)
}

// backupNow makes a backup of the data that this process holds.
func backupNow(ctx context.Context, c call) error {
	made, err := c.app.db.Backup(ctx, c.words[0])
	if err != nil {
		return err
	}
	for _, problem := range made.Problems {
		fmt.Fprintln(c.io.err, "tertulia:", line(problem))
	}
	fmt.Fprintf(c.io.out, "%s: %s, %d files\n", made.File, size(made.Size), len(made.Manifest.Files))
	return nil
}

// backupHint is what to try after a backup or a restore has failed.
func backupHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrExist):
		return "a backup is never written over another file: choose a new name"
	case errors.Is(err, fs.ErrPermission):
		return "a running service writes the file itself, as the user it runs as"
	case errors.Is(err, store.ErrNotEmpty):
		return "--force puts it aside, and deletes nothing"
	}
	return ""
}

// ownTime is how long a command that must be alone waits for a service to let go.
const ownTime = time.Second

// alone is the hint of a command that needs the data for itself.
const alone = "if a service runs, stop it first; " + otherData

// restore brings a backup back. Nothing may run on the data meanwhile.
func restore(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	done, err := store.Restore(ctx, f.words[0], set.Data, f.force, store.Options{LockTimeout: ownTime})
	if err != nil {
		hint := backupHint(err)
		if hint == "" {
			hint = alone
		}
		return io.fail(err, hint)
	}
	fmt.Fprintf(io.out, "restored: the data of %s, %d files\n", when(done.Manifest.Made), len(done.Manifest.Files))
	if done.Replaced != "" {
		fmt.Fprintf(io.out, "the data that was there is in %s\n", done.Replaced)
	}
	if done.Erased > 0 {
		fmt.Fprintf(io.out, "%d mentions were left out: they were erased since\n", done.Erased)
	}
	fmt.Fprint(io.out, restoredNext)
	return 0
}

const restoredNext = `All tokens and sessions are dead: tertulia link signs you in, and editors have to do so anew.
Networks have to be connected anew, but for those whose token the settings name.
Nothing goes out: tertulia job list shows what waits, tertulia resume lets it go.
`

// resume is the owner's word that what waits since a restore may go out.
func resume(ctx context.Context, c call) error { return c.app.db.Resume(ctx) }

// repair makes the indexes anew.
func repair(ctx context.Context, load func() (*settings, error), _ given, io stdio) int {
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	db, err := store.Open(set.Data, store.Options{LockTimeout: ownTime})
	if err != nil {
		return io.fail(err, alone)
	}
	defer db.Close()
	done, err := db.Repair(ctx)
	if err != nil {
		return io.fail(err, "")
	}
	fmt.Fprintf(io.out, "%d records are whole, %d index entries and counters were mended\n", done.Records, done.Mended)
	for _, damaged := range done.Damaged {
		fmt.Fprintln(io.out, line(damaged.Error()))
	}
	if len(done.Damaged) > 0 {
		return io.fail(fmt.Errorf("%d records cannot be mended", len(done.Damaged)), "a backup made before the damage has them: tertulia restore")
	}
	return 0
}

const (
	firstBackup = 10 * time.Minute // after the start, which has better things to do
	nextBackup  = time.Hour        // until it is looked whether the day has one
	keepBackups = site.Backups
)

// dailyBackups makes a backup a day, and says now whether jobs wait since a restore.
func (svc *service) dailyBackups(ctx context.Context) {
	if since, yes, err := svc.app.db.Paused(); err == nil && yes {
		svc.log.Warn("nothing goes out since a backup was restored; tertulia resume lets it go", "since", since)
	}
	timer := time.NewTimer(firstBackup)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		made, err := svc.app.db.BackupDaily(ctx, keepBackups)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			svc.log.Error("the day's backup cannot be made", "error", err)
		case made.File != "":
			svc.log.Info("backup made", "file", made.File, "bytes", made.Size)
		}
		for _, problem := range made.Problems {
			svc.log.Error("the backup is not whole", "problem", problem)
		}
		timer.Reset(nextBackup)
	}
}

// size is a number of bytes for people.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
