// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"log/slog"
	"reflect"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/monitor"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// follower has a recorder take up what other processes change about cameras.
type follower struct {
	store    *store.Store
	recorder *recorder.Recorder
	monitor  *monitor.Monitor
	log      *slog.Logger

	// version is that of the index when it was read last.
	version int64
	// settings are those of the cameras that the recorder was configured with.
	settings []moonfirefs.Camera
	// failed says that the last look has failed.
	failed bool
}

// run follows until ctx ends.
func (f *follower) run(ctx context.Context) {
	f.store.DB.Follow(ctx, func(ctx context.Context) (changed bool, err error) {
		before := f.version
		err = f.look(ctx)
		if err != nil && ctx.Err() == nil && !f.failed {
			f.log.Warn("cannot apply changes of the configuration; will try again", "err", err)
		}
		f.failed = err != nil
		return f.version != before, err
	})
}

// look configures the recorder if something was changed since it was called last.
func (f *follower) look(ctx context.Context) error {
	version, err := f.store.DB.Version(ctx)
	if err != nil || version == f.version && !f.failed {
		return err
	}
	cameras, err := f.store.DB.Cameras(ctx)
	if err != nil {
		return err
	}
	added, err := f.store.AssignDirs(ctx)
	if err != nil {
		return err
	}
	f.version = version
	settings := settingsOf(cameras)
	if reflect.DeepEqual(settings, f.settings) && len(added) == 0 {
		return nil
	}
	f.settings = settings
	if err := f.recorder.Configure(cameras); err != nil {
		f.log.Error("some streams are not recorded until the recorder is restarted", "err", err)
	}
	f.monitor.Reread()
	f.log.Info("the configuration was changed", "cameras", countRecorded(cameras), "newDirs", len(added))
	return nil
}

func settingsOf(cameras []moonfirefs.Camera) []moonfirefs.Camera {
	settings := make([]moonfirefs.Camera, len(cameras))
	for i := range cameras {
		settings[i] = cameras[i].Settings()
	}
	return settings
}

// countRecorded is how many of the cameras are to be recorded.
func countRecorded(cameras []moonfirefs.Camera) (n int) {
	for i := range cameras {
		if !cameras[i].Retired {
			n++
		}
	}
	return n
}
