// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"context"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// The suffixes of what there is beside 13.mp4.
const (
	SheetSuffix = ".jpg"
	VTTSuffix   = ".vtt"
)

// Companions are the sheets, or the texts for players, as the mount wants them.
type Companions struct {
	suffix   string
	database *Database
	make     func(ctx context.Context, s *library.Stream, v *library.Version) ([]byte, error)
}

// Companions returns one value for each suffix.
func (s *Sheets) Companions() []Companions {
	return []Companions{{SheetSuffix, s.Database, s.Sheet}, {VTTSuffix, s.Database, s.VTT}}
}

// Suffix takes the place of ".mp4".
func (c Companions) Suffix() string { return c.suffix }

// OfFile returns the whole file.
func (c Companions) OfFile(ctx context.Context, s *library.Stream, v *library.Version) ([]byte, error) {
	return c.make(ctx, s, v)
}

// LatestName is the name of the newest picture of a stream, in its folder.
const LatestName = "latest.jpg"

// OfStream returns the newest picture of a stream by its name.
func (c Companions) OfStream(ctx context.Context, s *library.Stream, name string) ([]byte, error) {
	if name != LatestName || c.suffix != SheetSuffix {
		return nil, moonfirefs.ErrNotFound
	}
	return c.database.newest(ctx, s.ID)
}

// OfDate returns nothing: there is none of a date.
func (Companions) OfDate(context.Context, *library.Stream, civil.Date, string) ([]byte, error) {
	return nil, moonfirefs.ErrNotFound
}

// OfRoot returns nothing: there is none of the whole.
func (Companions) OfRoot(context.Context, string) ([]byte, error) { return nil, moonfirefs.ErrNotFound }
