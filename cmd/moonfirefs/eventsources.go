// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// eventFlags say where the recorder takes events from.
type eventFlags struct {
	mqtt  mqttFlags
	onvif onvifFlags
}

func (f *eventFlags) add(cmd *cobra.Command) {
	f.mqtt.add(cmd)
	f.onvif.add(cmd)
}

// start takes events from all sources that are given until what it returns is closed. Nothing
// of it runs, and no database is made, if there is none. Footage is worth more than events: where
// they cannot be stored, that is logged, and recording goes on.
func (f *eventFlags) start(ctx context.Context, storePath string, s *store.Store, log *slog.Logger) (io.Closer, error) {
	if f == nil || f.mqtt.broker == "" && len(f.onvif.cameras) == 0 {
		return inTurn{}, nil
	}
	d := events.NewDatabase(eventsPath(storePath), s.DB.Meta().Store)
	if err := d.Ready(ctx); err != nil {
		log.Error("events cannot be stored", "err", err)
	}
	sources := inTurn{}
	if f.mqtt.broker != "" {
		l, err := f.mqtt.start(s, d, log)
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		sources = append(sources, l)
	}
	asked, err := f.onvif.start(ctx, s, d, log)
	if err != nil {
		return nil, errors.Join(err, sources.Close(), d.Close())
	}
	return append(sources, asked, d), nil
}

// inTurn is closed one after another.
type inTurn []io.Closer

// Close closes all of them.
func (all inTurn) Close() (err error) {
	for _, one := range all {
		err = errors.Join(err, one.Close())
	}
	return err
}
