// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"strings"
	"time"
)

// diskProfile is what a kind of disk takes for what is asked of it.
type diskProfile struct {
	name string
	// seek is for a read that does not follow the request before it; flush is for a flush.
	// What is written goes to the disk's memory and is put in order there: it takes no
	// seek of its own.
	seek, flush    time.Duration
	bytesPerSecond int64
	// blockBytes is the unit in which the disk erases, if it does.
	blockBytes int64
}

var (
	hardDisk = diskProfile{name: "hard disk", seek: 8 * time.Millisecond, flush: 8 * time.Millisecond, bytesPerSecond: 150e6}
	sdCard   = diskProfile{name: "SD card", seek: time.Millisecond, flush: 40 * time.Millisecond, bytesPerSecond: 20e6, blockBytes: 4 << 20}
)

// request is what a block device was asked for.
type request struct {
	kind requestKind
	// offset and sizeBytes are of a read or a write.
	offset, sizeBytes int64
}

type requestKind int

const (
	readRequest requestKind = iota
	writeRequest
	flushRequest
)

// diskWork is what requests come to.
type diskWork struct {
	reads, writes, flushes  int
	readBytes, writtenBytes int64
	// positions are requests that do not follow the one before.
	positions int
}

func countRequests(all []request) (w diskWork) {
	var next int64
	for _, r := range all {
		switch r.kind {
		case flushRequest:
			w.flushes++
			continue
		case readRequest:
			w.reads++
			w.readBytes += r.sizeBytes
		case writeRequest:
			w.writes++
			w.writtenBytes += r.sizeBytes
		}
		if r.offset != next {
			w.positions++
		}
		next = r.offset + r.sizeBytes
	}
	return w
}

// String is for the table.
func (w diskWork) String() string {
	return fmt.Sprintf("%d reads, %.1f MB; %d writes, %.1f MB; %d positions; %d flushes",
		w.reads, float64(w.readBytes)/1e6, w.writes, float64(w.writtenBytes)/1e6, w.positions, w.flushes)
}

// busy is how long a disk would have been busy with requests.
func (p diskProfile) busy(all []request) (d time.Duration) {
	next := int64(-1)
	for _, r := range all {
		if r.kind == flushRequest {
			d += p.flush
			continue
		}
		if r.kind == readRequest && r.offset != next {
			d += p.seek
		}
		d += time.Duration(r.sizeBytes * int64(time.Second) / p.bytesPerSecond)
		next = r.offset + r.sizeBytes
	}
	return d
}

// blockWrites is how often a disk that erases would have begun to write to another of its
// blocks than the one before.
func (p diskProfile) blockWrites(all []request) (n int) {
	last := int64(-1)
	for _, r := range all {
		if r.kind != writeRequest {
			continue
		}
		for block := r.offset / p.blockBytes; block*p.blockBytes < r.offset+r.sizeBytes; block++ {
			if block != last {
				n++
			}
			last = block
		}
	}
	return n
}

// parseRequests reads events block_rq_issue of the kernel, one in a line:
//
//	comm-7 [000] ..... 1.5: block_rq_issue: 7,0 WS 4096 () 2048 + 8 none,0,0 [comm]
func parseRequests(trace string) (all []request) {
	const event, sectorBytes = ": block_rq_issue: ", 512
	for line := range strings.Lines(trace) {
		_, after, found := strings.Cut(line, event)
		if !found {
			continue
		}
		var device, kind, command string
		var sizeBytes, sector, sectors int64
		if _, err := fmt.Sscanf(after, "%s %s %d %s %d + %d", &device, &kind, &sizeBytes, &command, &sector, &sectors); err != nil {
			continue
		}
		r := request{offset: sector * sectorBytes, sizeBytes: sectors * sectorBytes}
		switch {
		case sectors == 0 && strings.HasPrefix(kind, "F"):
			r.kind = flushRequest
		case strings.Contains(kind, "W"):
			r.kind = writeRequest
		case strings.Contains(kind, "R"):
			r.kind = readRequest
		default:
			continue // what is discarded moves no arm
		}
		all = append(all, r)
	}
	return all
}
