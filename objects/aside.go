// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// asideName is below the prefix: what a repair has set aside. A listing of the directory passes
// it over.
const asideName = "aside/"

// MoveAside implements sample.Remote. The object store copies the object; after a crash in
// between, the copy that is there already is the one that is meant.
func (d *Dir) MoveAside(name uuid.UUID) (path string, err error) {
	ctx, base := context.Background(), name.String()
	found, err := d.stat(ctx, base)
	if err != nil {
		return "", err
	}
	there, err := d.stat(ctx, asideName+base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = d.copyWithin(ctx, base, asideName+base)
	case err == nil && (there.sizeBytes != found.sizeBytes || there.table != found.table):
		err = fmt.Errorf("move object %s aside: %s%s: %w", base, asideName, base, moonfirefs.ErrExists)
	}
	if err != nil {
		return "", err
	}
	d.blocks.forget(name)
	return d.String() + "/" + asideName + base, d.remove(ctx, []string{base})
}

// NoteAside implements sample.Remote.
func (d *Dir) NoteAside(name string, data []byte) error {
	return d.putSmall(context.Background(), asideName+name, data, false)
}
