// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"math"

	"github.com/moonfirefs/moonfirefs"
)

// place is where recordings of a stream are that have a quota together: those of its tier, or
// the others.
type place struct {
	stream moonfirefs.StreamID
	tier   bool
	// after and upTo bound the ids of the recordings: (after, upTo].
	after, upTo            moonfirefs.RecordingID
	retainBytes, sizeBytes int64
}

// placesOf are those of a stream: one, or two with a tier.
func placesOf(ctx context.Context, db querier, stream moonfirefs.StreamID) ([]place, error) {
	first := place{stream: stream, upTo: math.MaxInt64, after: math.MinInt64}
	tier := place{stream: stream, tier: true, after: math.MinInt64}
	var hasTier bool
	err := db.QueryRowContext(ctx, `
		select s.retain_bytes, s.sample_file_bytes, t.stream_id is not null,
		       coalesce(t.retain_bytes, 0), coalesce(t.sample_file_bytes, 0), coalesce(t.last_recording_id, 0)
		  from stream s left join tier t on t.stream_id = s.id where s.id = ?`, stream).
		Scan(&first.retainBytes, &first.sizeBytes, &hasTier, &tier.retainBytes, &tier.sizeBytes, &tier.upTo)
	if err != nil {
		return nil, notFound(err)
	}
	if !hasTier {
		return []place{first}, nil
	}
	first.sizeBytes -= tier.sizeBytes
	first.after = tier.upTo
	return []place{first, tier}, nil
}

// allPlaces are those of a stream as if they were one, without limits.
func allPlaces(stream moonfirefs.StreamID) *place {
	return &place{stream: stream, after: math.MinInt64, upTo: math.MaxInt64}
}

// has tells whether a recording is in the place.
func (p *place) has(id moonfirefs.RecordingID) bool { return id > p.after && id <= p.upTo }

// placesWith are those of a stream that has these limits and this tier, or nil for none.
func placesWith(s *moonfirefs.Stream, tier *moonfirefs.Tier) []place {
	first := place{stream: s.ID, after: math.MinInt64, upTo: math.MaxInt64, retainBytes: s.RetainBytes}
	if tier == nil {
		return []place{first}
	}
	first.after = tier.Last
	return []place{first, {stream: s.ID, tier: true, after: math.MinInt64, upTo: tier.Last, retainBytes: tier.RetainBytes}}
}

// readSize reads sizeBytes again.
func (p *place) readSize(ctx context.Context, db querier) error {
	query := `
		select s.sample_file_bytes - coalesce((select t.sample_file_bytes from tier t where t.stream_id = s.id), 0)
		  from stream s where s.id = ?`
	if p.tier {
		query = `select sample_file_bytes from tier where stream_id = ?`
	}
	return notFound(db.QueryRowContext(ctx, query, p.stream).Scan(&p.sizeBytes))
}
