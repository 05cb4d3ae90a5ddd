// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/activity"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// ActivityName is in the folder of a date beside HTMLName, for those who ask for it: it is
// not listed. To make it, the tables of samples of the whole date are read, and a listing
// must not wait for that.
const ActivityName = "activity.json"

// DateNames are the names of the pages in the folder of a date.
func DateNames() []string { return []string{HTMLName, ActivityName} }

// datePage is a page of a date that is remembered for as long as the files of the date
// and its marks are the same.
type datePage struct {
	day   *library.Day
	marks []Mark
	page  *Page
}

// MemoryBytes implements library.Cached.
func (d *datePage) MemoryBytes() int64 {
	return d.day.MemoryBytes() + int64(cap(d.marks))*int64(unsafe.Sizeof(Mark{})) + int64(unsafe.Sizeof(*d)) + int64(unsafe.Sizeof(*d.page))
}

// OfDate returns a page of the folder of a date as of now. It is nil if there is no such
// date.
func (p *Pages) OfDate(ctx context.Context, s *library.Stream, d civil.Date, name string) (*Page, error) {
	_, day, err := p.dayOf(ctx, s.ID, d)
	if err != nil {
		return nil, err
	}
	return p.OfListed(ctx, s, d, day, name)
}

// OfListed is OfDate for whoever has just listed the date. It does not ask once more whether
// that is still true, which is a good part of what it takes to list a date again.
func (p *Pages) OfListed(ctx context.Context, s *library.Stream, d civil.Date, day *library.Day, name string) (*Page, error) {
	if len(day.Versions) == 0 {
		return nil, nil
	}
	key := pageKey{s.ID, name, d}
	if known, ok := p.catalog.Cache().Get(key); ok && known.(*datePage).day.Equal(day) {
		marks, err := p.marksOfDate(ctx, key)
		if err != nil || slices.Equal(marks, known.(*datePage).marks) {
			return known.(*datePage).page, err
		}
	}
	page, _, err := p.makeOfDate(ctx, key)
	return page, err
}

// marksOfDate returns what happened on the date of a page.
func (p *Pages) marksOfDate(ctx context.Context, key pageKey) ([]Mark, error) {
	hours := p.catalog.Calendar().Hours(key.date)
	return p.marksOf(ctx, key.stream, moonfirefs.Interval{Start90k: hours[0].Start90k, End90k: hours[len(hours)-1].End90k})
}

// dayOf lists the files of a date.
func (p *Pages) dayOf(ctx context.Context, stream moonfirefs.StreamID, d civil.Date) (*library.StreamState, *library.Day, error) {
	now, err := p.catalog.Snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	state, err := now.Stream(stream)
	if err != nil {
		return nil, nil, err
	}
	day, err := p.catalog.Day(ctx, state, d)
	return state, day, err
}

func (p *Pages) makeOfDate(ctx context.Context, key pageKey) (*Page, []byte, error) {
	state, day, err := p.dayOf(ctx, key.stream, key.date)
	if err != nil {
		return nil, nil, err
	}
	marks, err := p.marksOfDate(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	var content []byte
	if key.name == HTMLName {
		content, err = p.dateHTML(ctx, state, key.date, marks)
	} else {
		content, err = p.activityJSON(ctx, state, key.date)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make %s of %v: %w", key.name, key.date, err)
	}
	modified90k, ok := day.Modified90k()
	if !ok {
		return nil, nil, fmt.Errorf("make %s of %v: %w", key.name, key.date, library.ErrStale)
	}
	describe := newPage
	if key.name == HTMLName { // it is made almost as fast as it is expanded
		describe = describePage
	}
	page := describe(p.catalog.Cache(), state.Stream, key.date.String()+"/"+key.name, modified90k, content)
	page.remake = func(ctx context.Context) (*Page, []byte, error) { return p.remake(ctx, key) }
	page.Growing = day.Fingerprint() == 0
	p.catalog.Cache().Put(key, &datePage{day, marks, page})
	return page, content, nil
}

// jsonActivity is what activity.json says, as docs/activity.md explains.
type jsonActivity struct {
	TimeZoneName string             `json:"timeZoneName"`
	Folder       string             `json:"folder"`
	Date         string             `json:"date"`
	StartTime90k moonfirefs.Time90k `json:"startTime90k"`
	EndTime90k   moonfirefs.Time90k `json:"endTime90k"`
	// Minutes are null where there is no footage.
	Minutes []*activity.Percent `json:"minutes"`
}

// activityJSON has no line for each minute.
func (p *Pages) activityJSON(ctx context.Context, s *library.StreamState, d civil.Date) ([]byte, error) {
	found, err := p.catalog.Activity(ctx, s, d)
	if err != nil {
		return nil, err
	}
	page := jsonActivity{
		TimeZoneName: p.catalog.Calendar().Zone.String(), Folder: s.Folder, Date: d.String(),
		StartTime90k: found.Interval.Start90k, EndTime90k: found.Interval.End90k,
		Minutes: make([]*activity.Percent, len(found.Percents)),
	}
	for i := range found.Percents {
		if found.Percents[i] != activity.NoFootage {
			page.Minutes[i] = &found.Percents[i]
		}
	}
	content, err := json.Marshal(page)
	return append(content, '\n'), err
}
