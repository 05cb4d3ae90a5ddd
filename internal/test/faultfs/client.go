// SPDX-License-Identifier: GPL-3.0-or-later

package faultfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Disk commands a process that serves a disk. It is not safe for concurrent use.
type Disk struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Start starts a process that calls Serve with its standard input and output, and
// returns once the disk is mounted.
func Start(cmd *exec.Cmd) (*Disk, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start faultfs: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start faultfs: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start faultfs: %w", err)
	}
	d := &Disk{cmd: cmd, in: in, out: bufio.NewReader(out)}
	if err := d.confirm(); err != nil {
		return nil, errors.Join(fmt.Errorf("start faultfs: %w", err), d.Close())
	}
	return d, nil
}

func (d *Disk) confirm() error {
	answer, err := d.answer()
	if err == nil && answer != "ok" {
		err = errors.New(answer)
	}
	return err
}

func (d *Disk) answer() (string, error) {
	line, err := d.out.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (d *Disk) command(words ...any) error {
	if _, err := fmt.Fprintln(d.in, words...); err != nil {
		return fmt.Errorf("faultfs: %w", err)
	}
	if err := d.confirm(); err != nil {
		return fmt.Errorf("faultfs: %v: %w", words[0], err)
	}
	return nil
}

// Cut is a power cut: what was not synchronized is lost, or, if seed is not 0,
// some of it at random; and every operation fails until Restore.
func (d *Disk) Cut(seed uint64) error { return d.command("cut", seed) }

// Restore ends a power cut.
func (d *Disk) Restore() error { return d.command("restore") }

// Stall makes operations of the given kinds wait, until they are no longer named:
// Stall() ends it. "all" are all kinds.
func (d *Disk) Stall(kinds ...string) error { return d.command("stall", strings.Join(kinds, " ")) }

// Fail makes the n-th of the operations of the given kinds fail from now on, or
// each of them if n is 0. With errno 0, none fails any more.
func (d *Disk) Fail(errno syscall.Errno, n int64, kinds ...string) error {
	return d.command("fail", int(errno), n, strings.Join(kinds, " "))
}

// Injected returns how many operations have failed since Fail.
func (d *Disk) Injected() (int64, error) { return d.count("injected") }

// Seen returns how many operations of the kinds that Fail named have come since.
func (d *Disk) Seen() (int64, error) { return d.count("seen") }

func (d *Disk) count(of string) (int64, error) {
	if _, err := fmt.Fprintln(d.in, of); err != nil {
		return 0, fmt.Errorf("faultfs: %w", err)
	}
	answer, err := d.answer()
	if err != nil {
		return 0, fmt.Errorf("faultfs: %s: %w", of, err)
	}
	return strconv.ParseInt(answer, 10, 64)
}

// Close unmounts the disk, forgets what was on it, and waits for the process.
func (d *Disk) Close() error {
	return errors.Join(d.in.Close(), d.cmd.Wait())
}
