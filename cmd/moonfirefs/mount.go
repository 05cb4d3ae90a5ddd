// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/mp4"
	"github.com/moonfirefs/moonfirefs/sample"
)

// mountFlags are the flags of the commands that mount.
type mountFlags struct {
	renderFlags
	allowOther bool
	uid, gid   uint32
	// What memory may be taken for, such as 16MiB; empty means the default.
	listingCache, videoIndexCache string
	objectCacheFlags
	// eventMargin is how much before and after an event its clip has.
	eventMargin time.Duration
}

// renderFlags are choices about the bytes of files.
type renderFlags struct {
	gaps             string
	withoutTimeTrack bool
}

func (f *renderFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.gaps, "gaps", "hold", "what players show where nothing was recorded: hold the last picture, or collapse the gap")
	cmd.Flags().BoolVar(&f.withoutTimeTrack, "no-timestamps", false, "leave out the subtitle track with the time of day")
}

// options are what they mean.
func (f *renderFlags) options() (library.RenderOptions, error) {
	gaps, ok := map[string]mp4.Gaps{"hold": mp4.GapsHold, "collapse": mp4.GapsCollapse}[f.gaps]
	if !ok {
		return library.RenderOptions{}, &usageError{fmt.Errorf("--gaps %s: must be hold or collapse", f.gaps)}
	}
	return library.RenderOptions{Gaps: gaps, Timestamps: !f.withoutTimeTrack}, nil
}

// newCatalog tells what a store has to show. cache is that of library.Options.
func newCatalog(s *store.Store, render library.RenderOptions, cache *library.Cache) (*library.Catalog, error) {
	return library.New(library.Options{
		Index: s.DB, Dirs: s.Directories(), Zone: s.Zone, Created90k: s.DB.Meta().Created90k, Render: render, Cache: cache,
	})
}

func (f *mountFlags) add(cmd *cobra.Command) {
	f.renderFlags.add(cmd)
	cmd.Flags().BoolVar(&f.allowOther, "allow-other", false, "let other users read the mount, within the permissions that --uid and --gid give (needed for Samba)")
	cmd.Flags().Uint32Var(&f.uid, "uid", uint32(os.Getuid()), "owner of the files in the mount")
	cmd.Flags().Uint32Var(&f.gid, "gid", uint32(os.Getgid()), "group of the files in the mount")
	cmd.Flags().DurationVar(&f.eventMargin, "event-margin", defaultEventMargin, "how much before and after an event its clip begins and ends; 0s to 5m")
	cmd.Flags().StringVar(&f.listingCache, "listing-cache", "16MiB", "memory for listings of folders and for index pages")
	f.objectCacheFlags.add(cmd)
	cmd.Flags().StringVar(&f.videoIndexCache, "video-index-cache", "32MiB", "memory for the tables of samples of files that are being read")
}

// cacheBytes parses the size of a cache.
func cacheBytes(flag, size string) (int64, error) {
	if size == "" {
		return 0, nil
	}
	return parseSize("--"+flag, size, cacheBounds)
}

// mountOptions say how to mount the store. report returns what the mount tells of the
// recorder; it is nil where there is none.
func (f *mountFlags) mountOptions(path string, s *store.Store, mountpoint string, report func() *status.Report, log *slog.Logger) (o fs.Options, err error) {
	if o, err = f.fsOptions(mountpoint, log); err != nil {
		return o, err
	}
	o.Status = report
	listingBytes, err := cacheBytes("listing-cache", f.listingCache)
	if err != nil {
		return o, err
	}
	videoIndexBytes, err := cacheBytes("video-index-cache", f.videoIndexCache)
	if err != nil {
		return o, err
	}
	if videoIndexBytes > 0 {
		s.DB.BoundVideoIndexes(videoIndexBytes)
	}
	return f.optionsOf(path, s, library.NewCache(listingBytes), o)
}

// fsOptions are those that have nothing to do with a store.
func (f *mountFlags) fsOptions(mountpoint string, log *slog.Logger) (o fs.Options, err error) {
	if f.uid == math.MaxUint32 || f.gid == math.MaxUint32 {
		return o, &usageError{errors.New("--uid and --gid: 4294967295 is not a valid user or group")}
	}
	if err := eventMarginBounds.check("--event-margin", f.eventMargin); err != nil {
		return o, err
	}
	return fs.Options{Mountpoint: mountpoint, AllowOther: f.allowOther, UID: f.uid, GID: f.gid, Logger: log}, nil
}

// optionsOf adds what a store has to show to options.
func (f *mountFlags) optionsOf(path string, s *store.Store, cache *library.Cache, o fs.Options) (fs.Options, error) {
	render, err := f.options()
	if err != nil {
		return o, err
	}
	if o.Catalog, err = newCatalog(s, render, cache); err != nil {
		return o, err
	}
	o.Companions = []fs.Companions{proofsOf(path, s, o.Catalog, render)}
	showLive(&o, s)
	return o, nil
}

func newMountCommand(g *global) *cobra.Command {
	f, many, moonfire := &mountFlags{}, &storesFlags{}, &moonfireFlags{}
	cmd := &cobra.Command{
		Use:         "mount MOUNTPOINT",
		Annotations: serves,
		Short:       "Show the footage without recording",
		Long: `Mounts the footage at MOUNTPOINT, an empty directory, until it is interrupted or
unmounted. A recorder may be running meanwhile. The store may also be a backup or
a copy: it is only read.

With --store several times, or with --stores, all stores are one tree. A store has
the name of its folder, or NAME with --store NAME=PATH. Where two stores have a camera of
the same name, the folders are driveway@house and driveway@barn. If a store is damaged or
gone, only its own cameras are missing, until it is back.

With --moonfire-nvr, it shows the footage of a Moonfire NVR, which may be recording. Nothing
of that is written or locked.`,
		Example: `  moonfirefs mount --store /media/backup/moonfirefs /mnt/old
  moonfirefs mount --store /srv/house --store barn=/media/nvr /mnt/all
  moonfirefs mount --stores /srv/stores /mnt/all
  moonfirefs mount --moonfire-nvr /var/lib/moonfire-nvr/db /mnt/nvr`,
		Args: asUsage(needs("MOUNTPOINT")),
		RunE: func(cmd *cobra.Command, args []string) error {
			if wanted, err := moonfire.wanted(cmd); err != nil || wanted {
				if err == nil {
					err = runMountMoonfire(cmd, g, f, moonfire, args[0])
				}
				return err
			}
			if many.several(g) {
				return runMountStores(cmd, g, f, many, args[0])
			}
			return runMount(cmd, g, f, args[0])
		},
	}
	f.add(cmd)
	many.add(cmd)
	moonfire.add(cmd)
	return cmd
}

func runMount(cmd *cobra.Command, g *global, f *mountFlags, mountpoint string) error {
	log, err := g.logger(cmd)
	if err != nil {
		return err
	}
	closeCache, err := f.openCache(g.store, log)
	if err != nil {
		return err
	}
	defer closeCache()
	return g.withStore(cmd, store.Reading, func(o *opened) error {
		options, err := f.mountOptions(o.path, o.Store, mountpoint, nil, o.log)
		if err != nil {
			return err
		}
		defer showEvents(&options, o.path, o.Zone, f.eventMargin, o.log)()
		previews, stop := showPreviews(cmd.Context(), g.store, options.Catalog, o.log)
		defer stop()
		options.Companions = append(options.Companions, previews...)
		mount, err := fs.Open(cmd.Context(), options)
		if err != nil {
			return err
		}
		defer closing(o.log, mount)
		defer o.watchDirs(cmd.Context())()
		o.log.Info("mounted", "mountpoint", mountpoint)
		select {
		case <-cmd.Context().Done():
			o.Hurry()
		case <-unmounted(mount):
			o.log.Info("unmounted by somebody else", "mountpoint", mountpoint)
		}
		return nil
	})
}

// lookAgainEvery is how often a mount looks whether the sample directories are there.
const lookAgainEvery = 5 * time.Second

// watchDirs has sample directories that are missing, or go, used as soon as they are
// back, until stop is called.
func (o *opened) watchDirs(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, dir := range o.Dirs {
		if dir.Remote() {
			continue // it is there as soon as it answers
		}
		wg.Go(func() {
			for available := o.lookForDir(dir, true); ; available = o.lookForDir(dir, available) {
				select {
				case <-ctx.Done():
					return
				case <-time.After(lookAgainEvery):
				}
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// lookForDir attaches a directory that is back, and detaches one that is gone. It tells
// whether the directory is available, and logs what differs from before.
func (o *opened) lookForDir(dir *sample.Dir, before bool) (available bool) {
	if err := dir.Verify(); dir.Available() && errors.Is(err, sample.ErrUnavailable) {
		o.log.Debug("the sample directory is gone", "err", errors.Join(err, dir.Detach()))
	}
	err := dir.Attach()
	switch {
	case err != nil && before:
		o.log.Error("a sample directory is not available; its footage cannot be read", "err", err)
	case err == nil && !before:
		o.log.Info("the sample directory is back", "dir", dir.Path())
	}
	return err == nil
}

// unmounted returns a channel that is closed when the mount has ended.
func unmounted(mount *fs.Mount) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		mount.Wait()
		close(done)
	}()
	return done
}

// closing closes c where nothing can be done about an error but to tell.
func closing(log *slog.Logger, c io.Closer) {
	if err := c.Close(); err != nil {
		log.Error("close", "what", fmt.Sprintf("%T", c), "err", err)
	}
}
