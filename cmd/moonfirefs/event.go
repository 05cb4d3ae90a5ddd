// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"cmp"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// commandSource is the source of events that a command has added.
const commandSource = "command"

func newEventCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "event",
		Short: "Note what happened when, and find it in the mount",
		Args:  onlyCommands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEventAddCommand(g), newEventListCommand(g), newEventRemoveCommand(g))
	return cmd
}

func newEventAddCommand(g *global) *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "add CAMERA LABEL",
		Short: "Add an event",
		Long: `Adds an event of a camera: something that happened at a moment, or from --from until
--to. LABEL says what, in a word or two, such as "person". It takes effect at once, even
while recording. The mount shows its footage in the camera's folder:
events/2026-11-22/13.05.22 person.mp4

It prints the number of the event, by which "event remove" removes it.

` + civil.Forms,
		Example: `  moonfirefs event add driveway person
  moonfirefs event add driveway delivery --from "2026-11-22 13:05" --to +2m`,
		Args: asUsage(needs("CAMERA LABEL")),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withStore(cmd, store.Reading, func(o *opened) error { return o.addEvent(args[0], args[1], from, to) })
		},
		ValidArgsFunction: g.cameraNames(),
	}
	cmd.Flags().StringVar(&from, "from", "now", "when it began")
	cmd.Flags().StringVar(&to, "to", "", "when it ended; without it, the event is a moment")
	return cmd
}

func (o *opened) addEvent(camera, label, from, to string) error {
	found, err := curate.FindCamera(o.cmd.Context(), o.DB, camera)
	if err != nil {
		return err
	}
	within, err := (civil.Calendar{Zone: o.Zone}).ParseInterval(from, cmp.Or(to, "+1s"), time.Now())
	if err != nil {
		return &usageError{err}
	}
	if to == "" {
		within.End90k = within.Start90k
	}
	return o.withEvents(func(d *events.Database) error {
		id, err := d.Add(o.cmd.Context(), events.Event{Camera: found.UUID, Interval: within, Label: label, Source: commandSource})
		if errors.Is(err, moonfirefs.ErrInvalid) {
			err = &usageError{err}
		}
		if err != nil {
			return err
		}
		return o.printf("Added event %d.", id)
	})
}

// eventsPath is where the events of a store are.
func eventsPath(storePath string) string { return filepath.Join(storePath, events.FileName) }

// withEvents opens the database of events for writing.
func (o *opened) withEvents(act func(*events.Database) error) error {
	d, err := events.OpenDatabase(o.cmd.Context(), eventsPath(o.path), o.DB.Meta().Store)
	if err != nil {
		return err
	}
	defer closing(o.log, d)
	return act(d)
}

func newEventListCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [CAMERA]",
		Short: "List events",
		Example: `  moonfirefs event list
  moonfirefs event list driveway --json`,
		Args: asUsage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withStore(cmd, store.Reading, func(o *opened) error { return o.listEvents(args, asJSON) })
		},
		ValidArgsFunction: g.cameraNames(),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// eventLine is what is told of an event.
type eventLine struct {
	Camera string `json:"camera"`
	events.Line
}

// events lists what there is of a camera, or of all.
func (o *opened) events(args []string) (found []eventLine, err error) {
	cameras, err := o.DB.Cameras(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	names, only := make(map[uuid.UUID]string), uuid.Nil
	for i := range cameras {
		names[cameras[i].UUID] = cameras[i].ShortName
	}
	if len(args) > 0 {
		camera, err := curate.FindCamera(o.cmd.Context(), o.DB, args[0])
		if err != nil {
			return nil, err
		}
		only = camera.UUID
	}
	d, err := events.ReadDatabase(o.cmd.Context(), eventsPath(o.path))
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closing(o.log, d)
	all, err := d.All(o.cmd.Context())
	for i := range all {
		// Those of a camera that was removed are listed by its UUID.
		if e := &all[i]; only == uuid.Nil || only == e.Camera {
			found = append(found, eventLine{cmp.Or(names[e.Camera], e.Camera.String()), events.LineOf(e, o.Zone)})
		}
	}
	return found, err
}

func (o *opened) listEvents(args []string, asJSON bool) error {
	found, err := o.events(args)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(o.cmd.OutOrStdout(), append([]eventLine{}, found...), storeIndent)
	}
	if len(found) == 0 {
		return o.printf("No events.")
	}
	t := newTable(o.cmd.OutOrStdout())
	t.line("EVENT\tCAMERA\tTIME\tLABEL\tSOURCE")
	for _, e := range found {
		times := o.time(e.StartTime90k)
		if e.EndTime90k > e.StartTime90k {
			times = o.times(moonfirefs.Interval{Start90k: e.StartTime90k, End90k: e.EndTime90k})
		}
		t.row(e.ID, e.Camera, times, e.Label, e.Source)
	}
	return t.flush()
}

func newEventRemoveCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:     "remove EVENT",
		Short:   "Remove an event, but not its footage",
		Long:    `Removes the event with this number, which "event list" shows. Its footage stays.`,
		Example: `  moonfirefs event remove 17`,
		Args:    asUsage(needs("EVENT")),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return &usageError{moonfirefs.Errorf(moonfirefs.ErrInvalid, "%q is not the number of an event (see: moonfirefs event list)", args[0])}
			}
			return g.withStore(cmd, store.Reading, func(o *opened) error {
				return o.withEvents(func(d *events.Database) error {
					if err := d.Remove(cmd.Context(), id); err != nil {
						return err
					}
					return o.printf("Removed event %d.", id)
				})
			})
		},
	}
}
