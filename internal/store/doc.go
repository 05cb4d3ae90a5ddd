// SPDX-License-Identifier: GPL-3.0-or-later

// Package store opens the parts of a store together: the index and its
// directories of sample files.
//
// A store is a directory that holds the database moonfire.db and, unless they
// were placed on other disks, the sample file directories. Opening one verifies
// that its parts belong together and locks them; a directory that is missing is left
// out until it is attached. What happens in an open store
// is the business of packages recorder and fs.
package store
