// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/stores"
	"github.com/moonfirefs/moonfirefs/library"
)

// This file, storeflag.go and the lines that name what is in them are all that the program
// knows of several stores in one mount.

// storesFlags say which stores a mount shows beside --store.
type storesFlags struct {
	folder      string
	alwaysNamed bool
}

func (f *storesFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.folder, "stores", "", "show all stores in this folder as one tree, new ones as soon as they are there")
	cmd.Flags().BoolVar(&f.alwaysNamed, "store-names", false, "add the store's name to the name of each camera (driveway@house), not only where two stores have the same one")
}

// several tells whether there may be more than one store.
func (f *storesFlags) several(g *global) bool { return f.folder != "" || len(g.stores) > 1 }

// storesMount is a mount of several stores.
type storesMount struct {
	flags *mountFlags
	cache *library.Cache
	// videoIndexBytes are for each store.
	videoIndexBytes int64
	log             *slog.Logger
}

func runMountStores(cmd *cobra.Command, g *global, f *mountFlags, many *storesFlags, mountpoint string) error {
	log, err := g.logger(cmd)
	if err != nil {
		return err
	}
	given, err := stores.ParsePlaces(g.stores)
	if err != nil {
		return &usageError{err}
	}
	options, err := f.fsOptions(mountpoint, log)
	if err != nil {
		return err
	}
	closeCache, err := f.openCacheOf(given, log)
	if err != nil {
		return err
	}
	defer closeCache()
	m := &storesMount{flags: f, log: log}
	listingBytes, err := cacheBytes("listing-cache", f.listingCache)
	if err != nil {
		return err
	}
	m.cache = library.NewCache(listingBytes)
	if m.videoIndexBytes, err = cacheBytes("video-index-cache", f.videoIndexCache); err != nil {
		return err
	}
	m.videoIndexBytes /= max(int64(len(given)), 1)
	if _, err := f.options(); err != nil {
		return err
	}
	keeper := stores.New(stores.Options{Places: many.places(given, log), Use: m.use, Logger: log})
	defer closing(log, keeper)
	standings, err := keeper.Open()
	if err != nil {
		return err
	}
	return m.mount(cmd.Context(), options, many.alwaysNamed, keeper, standings)
}

// places finds the stores that were given, and those in the folder.
func (f *storesFlags) places(given []stores.Place, log *slog.Logger) func() ([]stores.Place, error) {
	told := make(map[string]bool)
	return func() ([]stores.Place, error) {
		if f.folder == "" {
			return given, nil
		}
		found, unusable, err := stores.PlacesIn(f.folder)
		for _, line := range unusable {
			if !told[line] {
				told[line] = true
				log.Error("a store cannot be shown", "err", line)
			}
		}
		return append(found, given...), err
	}
}

// use makes a store one that the mount shows.
func (m *storesMount) use(ctx context.Context, p stores.Place, s *store.Store) (member *fs.Member, release func(), err error) {
	log := m.log.With("store", p.Name)
	o, err := m.flags.optionsOf(p.Path, s, m.cache.Share(), fs.Options{Logger: log})
	if err != nil {
		return nil, nil, err
	}
	if m.videoIndexBytes > 0 {
		s.DB.BoundVideoIndexes(m.videoIndexBytes)
	}
	stopEvents := showEvents(&o, p.Path, s.Zone, m.flags.eventMargin, log)
	previews, stopPreviews := showPreviews(ctx, p.Path, o.Catalog, log)
	calm := context.AfterFunc(ctx, s.Hurry)
	unwatch := (&opened{Store: s, path: p.Path, log: log}).watchDirs(ctx)
	member = &fs.Member{
		Name: p.Name, Catalog: o.Catalog, Companions: append(o.Companions, previews...), Albums: o.Albums, Marks: o.Marks, Live: o.Live,
	}
	return member, func() {
		calm()
		unwatch()
		stopPreviews()
		stopEvents()
	}, nil
}

// mount shows the stores until somebody ends that.
func (m *storesMount) mount(ctx context.Context, options fs.Options, alwaysNamed bool, keeper *stores.Keeper, standings []fs.Standing) error {
	mount, err := fs.OpenGathering(ctx, options, m.cache, alwaysNamed, standings)
	if err != nil {
		return err
	}
	defer closing(m.log, mount)
	keeper.Run(func(now []fs.Standing) {
		if err := mount.SetStandings(ctx, now); err != nil && !errors.Is(err, context.Canceled) {
			m.log.Error("a store cannot be shown", "err", err)
		}
	})
	m.log.Info("mounted", "mountpoint", options.Mountpoint, "stores", len(standings))
	select {
	case <-ctx.Done():
	case <-unmounted(mount):
		m.log.Info("unmounted by somebody else", "mountpoint", options.Mountpoint)
	}
	return nil
}
