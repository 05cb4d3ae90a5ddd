// SPDX-License-Identifier: GPL-3.0-or-later

package sample

// open makes a directory that is available.
func open(path string, id Identity, mode Mode) (*Dir, error) {
	d := New(path, id, mode)
	if err := d.Attach(); err != nil {
		_ = d.Close() // the reason why it is useless matters more
		return nil, err
	}
	return d, nil
}
