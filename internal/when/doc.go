// Package when reads times as people write them: civil time of a zone, in several
// forms. The one form that the mount has for the names of clips belongs to
// package fs.
package when
