// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"context"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/proof"
)

// Suffix takes the place of ".mp4" in the name of the proof of a file.
const Suffix = ".proof.json"

// dateName is the name of the proof of a date, in its folder.
const dateName = "proof.json"

// Companions are the files of a Prover in a mount.
type Companions struct{ *Prover }

// Suffix implements fs.Companions.
func (c Companions) Suffix() string { return Suffix }

// OfFile implements fs.Companions.
func (c Companions) OfFile(ctx context.Context, s *library.Stream, v *library.Version) ([]byte, error) {
	return encoded(c.File(ctx, s, v))
}

// OfDate implements fs.Companions.
func (c Companions) OfDate(ctx context.Context, s *library.Stream, date civil.Date, name string) ([]byte, error) {
	if name != dateName {
		return nil, moonfirefs.ErrNotFound
	}
	return encoded(c.Date(ctx, s, date))
}

// OfRoot implements fs.Companions.
func (c Companions) OfRoot(_ context.Context, name string) ([]byte, error) {
	if name != PublicKeyName || !c.folder.Exists() {
		return nil, moonfirefs.ErrNotFound
	}
	return c.PublicKey()
}

func encoded(d *proof.Document, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("make proof: %w", err)
	}
	return d.Encode()
}
