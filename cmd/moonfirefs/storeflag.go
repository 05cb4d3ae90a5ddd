// SPDX-License-Identifier: GPL-3.0-or-later

package main

// storeFlag is the value of --store. The last one counts, but for the command that takes
// several.
type storeFlag struct{ g *global }

func (f storeFlag) String() string {
	if f.g == nil { // as of a flag without a default
		return ""
	}
	return f.g.store
}

// Set keeps a value that was given.
func (f storeFlag) Set(path string) error {
	f.g.store = path
	f.g.stores = append(f.g.stores, path)
	return nil
}

// Type is what the help calls the value, as of other texts.
func (f storeFlag) Type() string { return "string" }
