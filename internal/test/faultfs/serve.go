// SPDX-License-Identifier: GPL-3.0-or-later

package faultfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Serve mounts an empty disk and obeys the commands of in, one per line, each of
// which it answers with a line on out. When in ends, so does the mount: nothing is
// left behind by a test that was killed.
func Serve(mountpoint string, in io.Reader, out io.Writer) error {
	d := newDisk()
	never := time.Duration(0)
	options := &gofs.Options{EntryTimeout: &never, AttrTimeout: &never, NegativeTimeout: &never}
	options.MountOptions = fuse.MountOptions{
		DirectMount: true, DirectMountStrict: true, FsName: "faultfs", Name: "faultfs", DisableXAttrs: true, MaxBackground: 64,
	}
	server, err := fuse.NewServer(gofs.NewNodeFS(&root{disk: d}, options), mountpoint, &options.MountOptions)
	if err != nil {
		return fmt.Errorf("serve faultfs at %s: %w", mountpoint, err)
	}
	go server.Serve()
	err = d.obey(in, out)
	d.gate.setOff(true) // lets go of who is stalled
	if detachErr := unix.Unmount(mountpoint, unix.MNT_FORCE|unix.MNT_DETACH); detachErr != nil && !errors.Is(detachErr, unix.EINVAL) {
		err = errors.Join(err, fmt.Errorf("unmount %s: %w", mountpoint, detachErr))
	}
	server.Wait()
	return err
}

// obey executes commands until there are no more.
func (d *disk) obey(in io.Reader, out io.Writer) error {
	if _, err := fmt.Fprintln(out, "ok"); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		answer, err := d.command(strings.Fields(lines.Text()))
		if err != nil {
			answer = "error: " + err.Error()
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

// command executes one command; see the methods of Disk.
func (d *disk) command(words []string) (answer string, err error) {
	if len(words) == 0 {
		return "", errors.New("no command")
	}
	switch name, arguments := words[0], words[1:]; name {
	case "cut":
		err = d.cutCommand(arguments)
	case "restore":
		d.restore()
	case "stall":
		d.gate.stall(arguments)
	case "fail":
		err = d.failCommand(arguments)
	case "injected":
		return strconv.FormatInt(d.gate.injected(), 10), nil
	case "seen":
		return strconv.FormatInt(d.gate.seen(), 10), nil
	default:
		err = fmt.Errorf("command %q is not known", name)
	}
	return "ok", err
}

func (d *disk) cutCommand(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("cut: want a seed")
	}
	seed, err := strconv.ParseUint(arguments[0], 10, 64)
	if err != nil {
		return fmt.Errorf("cut: %w", err)
	}
	d.cut(seed)
	return nil
}

func (d *disk) failCommand(arguments []string) error {
	if len(arguments) < 2 {
		return errors.New("fail: want errno, number and kinds")
	}
	errno, err := strconv.Atoi(arguments[0])
	if err != nil {
		return fmt.Errorf("fail: %w", err)
	}
	nth, err := strconv.ParseInt(arguments[1], 10, 64)
	if err != nil {
		return fmt.Errorf("fail: %w", err)
	}
	d.gate.fail(fault{errno: syscall.Errno(errno), nth: nth, kinds: arguments[2:]})
	return nil
}
