// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/proof"
)

// stampPatience is how long after a date could be signed an authority for time stamps is
// waited for.
const stampPatience = 6 * time.Hour

// signDue signs the dates that are over.
func (n *Notary) signDue(ctx context.Context) error {
	dates := slices.Clone(n.state.Unsigned)
	for date := range n.days {
		dates = append(dates, date)
	}
	slices.Sort(dates)
	for _, date := range slices.Compact(dates) {
		if due, ok := n.dueAt(date); !ok || n.Now().Before(due) {
			continue
		}
		if err := n.sign(ctx, date); err != nil {
			return fmt.Errorf("sign %s: %w", date, err)
		}
	}
	return nil
}

// dueAt is when a date can be signed.
func (n *Notary) dueAt(date string) (due time.Time, ok bool) {
	d, ok := civil.ParseDate(date)
	hours := n.calendar.Hours(d)
	if !ok || len(hours) == 0 {
		return time.Time{}, false
	}
	return hours[len(hours)-1].End90k.Time().Add(n.Grace), true
}

// treeLeaf is a leaf and its place in the order of the tree.
type treeLeaf struct {
	leaf
	key  string
	file uuid.UUID
}

// sign makes a statement of the leaves of a date that are in none yet.
func (n *Notary) sign(ctx context.Context, date string) error {
	if err := n.loadDay(date); err != nil {
		return err
	}
	hashes, err := n.unsigned(date)
	if err != nil {
		return err
	}
	if len(hashes) > 0 {
		if err := n.sync(); err != nil { // the details first
			return err
		}
		if err := n.issue(ctx, date, hashes); err != nil {
			return err
		}
	}
	if err := n.forgetDay(date); err != nil {
		return err
	}
	n.tidy(ctx)
	return n.sync()
}

// loadDay opens all files of leaves of a date.
func (n *Notary) loadDay(date string) error {
	entries, err := os.ReadDir(n.folder.in(leavesName, date))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		key, ok := parseStreamKey(strings.TrimSuffix(e.Name(), ".jsonl"))
		if !ok {
			continue
		}
		if _, err := n.leaves(date, key); err != nil {
			return err
		}
	}
	return nil
}

// forgetDay closes the files of a date that is signed.
func (n *Notary) forgetDay(date string) error {
	if d := n.days[date]; d != nil {
		for _, l := range d.streams {
			if err := l.file.Close(); err != nil {
				return err
			}
		}
	}
	delete(n.days, date)
	n.state = &state{First: n.state.First, After: n.state.After, Unsigned: slices.DeleteFunc(slices.Clone(n.state.Unsigned), func(d string) bool { return d == date })}
	return n.folder.writeState(n.state)
}

// unsigned lists the hashes of a date's leaves that are in no statement: by stream, then
// in the order of time.
func (n *Notary) unsigned(date string) ([]proof.Digest, error) {
	signed := make(map[proof.Digest]bool)
	names, err := n.folder.statementFiles(date)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		s, err := n.folder.readStatement(name)
		if err != nil {
			return nil, err
		}
		for _, hash := range s.tree() {
			signed[hash] = true
		}
	}
	var all []treeLeaf
	if d := n.days[date]; d != nil {
		for key, file := range d.streams {
			for name, l := range file.leaves {
				if !signed[l.hash] {
					all = append(all, treeLeaf{l, key.String(), name})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b treeLeaf) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.start90k, b.start90k), bytes.Compare(a.file[:], b.file[:]))
	})
	hashes := make([]proof.Digest, len(all))
	for i := range all {
		hashes[i] = all[i].hash
	}
	return hashes, nil
}

// issue makes and writes the next statement.
func (n *Notary) issue(ctx context.Context, date string, hashes []proof.Digest) error {
	names, err := n.folder.statementFiles("")
	if err != nil {
		return err
	}
	s := &proof.Statement{
		Store: n.storeID(), Number: 1, Date: date, Zone: n.Store.DB.Meta().TimeZone,
		Signed: n.Now().UTC().Truncate(time.Second), Leaves: len(hashes), Root: proof.Root(hashes),
	}
	if len(names) > 0 {
		last, err := n.folder.readStatement(names[len(names)-1])
		if err != nil {
			return err
		}
		if _, err := fmt.Sscanf(names[len(names)-1], "%08d.", &s.Number); err != nil {
			return fmt.Errorf("name of statement %s: %w", names[len(names)-1], err)
		}
		s.Number++
		s.Previous = last.Digest()
	}
	signed, err := proof.Sign(s, n.key)
	if err != nil {
		return err
	}
	if err := n.stamp(ctx, date, signed); err != nil {
		return err
	}
	file := &statementFile{Signed: *signed}
	for i := range hashes {
		file.Hashes = append(file.Hashes, hashes[i][:]...)
	}
	if err := n.folder.writeStatement(statementName(s.Number, date), file); err != nil {
		return err
	}
	n.Logger.Info("signed a day", "date", date, "statement", s.Number, "recordings", len(hashes), "stamped", signed.TimeStamp != nil)
	return nil
}

// stamp gets a time stamp, if one is wanted. For some hours, a failure is an error: the
// statement is made later, with one.
func (n *Notary) stamp(ctx context.Context, date string, s *proof.Signed) error {
	if n.TimeStampURL == "" {
		return nil
	}
	token, err := requestTimeStamp(ctx, n.TimeStampURL, []byte(s.Text))
	if err == nil {
		s.TimeStamp = token
		_, err = s.VerifyTimeStamp(nil)
	}
	if err == nil {
		return nil
	}
	s.TimeStamp = nil
	if due, _ := n.dueAt(date); n.Now().Before(due.Add(stampPatience)) {
		return fmt.Errorf("get a time stamp: %w", err)
	}
	n.Logger.Warn("a day is signed without a time stamp", "date", date, "err", err)
	return nil
}

// tidy removes the details of leaves of which no footage is left. Their hashes stay.
func (n *Notary) tidy(ctx context.Context) {
	cameras, err := n.Store.DB.Cameras(ctx)
	if err != nil {
		return // next time
	}
	dates, err := n.folder.dates()
	if err != nil {
		return
	}
	for _, d := range dates {
		if n.days[d.String()] == nil && !slices.Contains(n.state.Unsigned, d.String()) {
			n.tidyDate(ctx, d, cameras)
		}
	}
}

func (n *Notary) tidyDate(ctx context.Context, d civil.Date, cameras []moonfirefs.Camera) {
	folder := n.folder.in(leavesName, d.String())
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	left := 0
	for _, e := range entries {
		key, ok := parseStreamKey(strings.TrimSuffix(e.Name(), ".jsonl"))
		if !ok || n.hasFootage(ctx, key, d, cameras) || os.Remove(n.folder.leafPath(d.String(), key)) != nil {
			left++
		}
	}
	if left == 0 {
		_ = os.Remove(folder) // next time
	}
}

// hasFootage tells whether there is footage of a stream and a date, or may be.
func (n *Notary) hasFootage(ctx context.Context, key streamKey, d civil.Date, cameras []moonfirefs.Camera) bool {
	for i := range cameras {
		for k := range cameras[i].Streams {
			s := &cameras[i].Streams[k]
			if cameras[i].UUID != key.camera || s.Kind != key.kind {
				continue
			}
			for _, piece := range civil.Pieces(n.calendar.Hours(d)) {
				start, ok, err := n.Store.DB.FirstStart(ctx, s.ID, piece.Start90k)
				if err != nil || ok && piece.Contains(start) {
					return true
				}
			}
		}
	}
	return false
}
