// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/moonfirenvr"
)

// moonfireFlags show the footage of a Moonfire NVR instead of a store of ours.
type moonfireFlags struct{ database, timeZone, cache string }

func (f *moonfireFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.database, "moonfire-nvr", "", "show the footage of the Moonfire NVR whose database is in this directory")
	cmd.Flags().StringVar(&f.timeZone, "time-zone", "", "with --moonfire-nvr: time zone of dates and hours, such as Europe/Zurich (default: the machine's)")
	cmd.Flags().StringVar(&f.cache, "moonfire-cache", "", "with --moonfire-nvr: a directory for twice the size of its database (default: /var/cache/moonfirefs, or in ~/.cache)")
}

// wanted tells whether it is a Moonfire NVR that is shown. It returns a usage error for flags
// that do not go together.
func (f *moonfireFlags) wanted(cmd *cobra.Command) (bool, error) {
	if f.database == "" {
		if f.timeZone != "" || f.cache != "" || cmd.Flags().Changed("moonfire-nvr") {
			return false, &usageError{errors.New("--moonfire-nvr must name a directory; --time-zone and --moonfire-cache go with it")}
		}
		return false, nil
	}
	for _, other := range []string{"store", "stores"} {
		if cmd.Flags().Changed(other) {
			return false, &usageError{fmt.Errorf("--moonfire-nvr and --%s cannot be given together", other)}
		}
	}
	return true, nil
}

// options say what to open.
func (f *moonfireFlags) options(log *slog.Logger) (o moonfirenvr.Options, err error) {
	name := f.timeZone
	if name == "" {
		name = machineZone()
	}
	o = moonfirenvr.Options{Database: f.database, Cache: f.cache, Logger: log}
	if o.Zone, err = store.LoadZone(name); err != nil {
		return o, &usageError{err}
	}
	if o.Cache == "" {
		o.Cache, err = cacheDir()
	}
	return o, err
}

// cacheDir is where what can be made again is kept.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/moonfirefs", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a directory for the cache (name one with --moonfire-cache): %w", err)
	}
	return filepath.Join(dir, "moonfirefs"), nil
}

func runMountMoonfire(cmd *cobra.Command, g *global, f *mountFlags, of *moonfireFlags, mountpoint string) error {
	log, err := g.logger(cmd)
	if err != nil {
		return err
	}
	o, err := of.options(log)
	if err != nil {
		return err
	}
	shown := &firstContact{cmd: cmd, log: log, bars: isTerminal(cmd.ErrOrStderr())}
	o.Show = shown.show
	s, err := moonfirenvr.Open(cmd.Context(), o)
	shown.end()
	if err != nil {
		return err
	}
	defer closing(log, s)
	options, err := f.mountOptions(o.Cache, s.Store, mountpoint, nil, log)
	if err != nil {
		return err
	}
	mount, err := fs.Open(cmd.Context(), options)
	if err != nil {
		return err
	}
	defer closing(log, mount)
	opened := &opened{Store: s.Store, path: o.Cache, cmd: cmd, log: log}
	defer opened.watchDirs(cmd.Context())()
	log.Info("mounted", "mountpoint", mountpoint)
	select {
	case <-cmd.Context().Done():
	case <-unmounted(mount):
		log.Info("unmounted by somebody else", "mountpoint", mountpoint)
	}
	return nil
}

// firstContact shows how far the shadow, or the import, of a Moonfire NVR is, if that takes a
// while: as a bar, or in lines of the log.
type firstContact struct {
	cmd *cobra.Command
	log *slog.Logger
	// bars asks for bars.
	bars bool
	work moonfirenvr.Work
	bar  *progress
	last time.Time
}

// sayEvery is how often a line says how far it is.
const sayEvery = 10 * time.Second

func (f *firstContact) show(work moonfirenvr.Work, done, total int64) {
	if work != f.work {
		f.end()
		f.work, f.last = work, time.Now()
	}
	if !f.bars {
		if time.Since(f.last) >= sayEvery {
			f.log.Info("taking over the index of Moonfire NVR", "work", work.Name, "done", done, "total", total)
			f.last = time.Now()
		}
		return
	}
	if f.bar == nil {
		kind := "units"
		if work.InBytes {
			kind = ""
		}
		f.bar = newProgress(f.cmd.ErrOrStderr(), work.Name, kind)
	}
	f.bar.show(done, total)
}

func (f *firstContact) end() {
	if f.bar != nil {
		f.bar.end()
		f.bar = nil
	}
}
