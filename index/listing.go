// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// EachSummary calls fn for each recording of the stream that starts in
// [from, to), by start time, then by id. No row of the table of recordings is
// read. fn must not keep its argument, nor call db. Damaged rows are passed over.
func (db *DB) EachSummary(ctx context.Context, stream moonfirefs.StreamID, from, to moonfirefs.Time90k, fn func(*moonfirefs.Summary) error) error {
	return db.EachSummaryOrDamage(ctx, stream, from, to, fn, func(*moonfirefs.Damage) error { return nil })
}

// EachSummaryOrDamage is EachSummary, and calls damaged for each row that is passed
// over, in the same order.
func (db *DB) EachSummaryOrDamage(ctx context.Context, stream moonfirefs.StreamID, from, to moonfirefs.Time90k,
	fn func(*moonfirefs.Summary) error, damaged func(*moonfirefs.Damage) error,
) error {
	from, to = max(from, moonfirefs.EarliestStart90k), min(to, moonfirefs.LatestStart90k)
	if from >= to || stream < 1 || stream > moonfirefs.MaxStreamID {
		return nil
	}
	l := &listing{db: db, stream: stream, from: from, to: to, fn: fn, damaged: damaged}
	for first, last := hourOf(from), hourOf(to-1); first <= last; {
		err := l.hours(ctx, first, last)
		if err == nil {
			return nil
		}
		var bad *badlyPackedError
		if errors.As(err, &bad) {
			err = l.covered(ctx, bad.hour)
			first = bad.hour + 1
		}
		if err != nil {
			return fmt.Errorf("list recordings of stream %d: %w", stream, err)
		}
	}
	return nil
}

// badlyPackedError is returned for an hour whose summaries are not what pack makes.
type badlyPackedError struct {
	hour utcHour
	err  error
}

func (e *badlyPackedError) Error() string { return e.err.Error() }

// listing is a walk over the recordings of a stream that start in [from, to).
type listing struct {
	db       *DB
	stream   moonfirefs.StreamID
	from, to moonfirefs.Time90k
	fn       func(*moonfirefs.Summary) error
	damaged  func(*moonfirefs.Damage) error

	// hour is the one that the walk has come to, count the recordings of it so far.
	hour  utcHour
	count int
	// unpacked is memory for the summaries of an hour.
	unpacked []moonfirefs.Summary
}

// hours walks over a range of hours. It returns a badlyPackedError, before the first
// recording of the hour, if that must be asked of the covering index.
func (l *listing) hours(ctx context.Context, first, last utcHour) error {
	rows, err := l.db.statements.summaries.QueryContext(ctx, summariesArgs(l.stream, first, last)...)
	if err != nil {
		return asOurs(err)
	}
	l.enter(first)
	var hour utcHour
	var packed sql.RawBytes
	var s moonfirefs.Summary
	fields := append([]any{&hour, &packed}, fieldsOf(&s)...)
	return each(rows, func() error {
		s = moonfirefs.Summary{}
		err := rows.Scan(fields...)
		if hour < l.hour {
			return fmt.Errorf("hour %d comes after %d: %w", hour, l.hour, moonfirefs.ErrCorrupt)
		}
		if hour > l.hour {
			l.enter(hour)
		}
		switch {
		case packed != nil && err == nil:
			return l.unpack(packed)
		case s.ID != 0:
			return l.add(&s, err)
		}
		return nil // retention has taken all of the hour
	})
}

func (l *listing) enter(hour utcHour) { l.hour, l.count = hour, 0 }

// unpack walks over the hour that the walk has come to.
func (l *listing) unpack(packed []byte) error {
	l.unpacked = l.unpacked[:0]
	err := unpack(l.hour, packed, func(s *moonfirefs.Summary) error {
		l.unpacked = append(l.unpacked, *s)
		return nil
	})
	if err != nil {
		return &badlyPackedError{l.hour, err}
	}
	for i := range l.unpacked {
		if err := l.add(&l.unpacked[i], nil); err != nil {
			return err
		}
	}
	return nil
}

// covered walks over an hour by the covering index.
func (l *listing) covered(ctx context.Context, hour utcHour) error {
	rows, err := l.db.readers.QueryContext(ctx, coveredSQL, l.stream, hour.start(), (hour + 1).start())
	if err != nil {
		return asOurs(err)
	}
	l.enter(hour)
	return each(rows, func() error {
		var s moonfirefs.Summary
		return l.add(&s, rows.Scan(fieldsOf(&s)...))
	})
}

// add is called for each recording of the hours; scanErr says that a value in its row
// cannot be what it should be.
func (l *listing) add(s *moonfirefs.Summary, scanErr error) error {
	if s.Start90k < l.from || s.Start90k >= l.to {
		return nil
	}
	l.count++
	var problem string
	switch {
	case l.count == moonfirefs.MaxHourRecordings+1:
		return l.damaged(&moonfirefs.Damage{Start90k: l.hour.start(), Problem: fmt.Sprintf("more than %d recordings start in it", moonfirefs.MaxHourRecordings)})
	case l.count > moonfirefs.MaxHourRecordings:
		return nil
	case scanErr != nil:
		problem = scanErr.Error()
	default:
		problem = s.Problem()
	}
	if problem != "" {
		return l.damaged(&moonfirefs.Damage{Recording: s.ID, Start90k: s.Start90k, Problem: problem})
	}
	return l.fn(s)
}
