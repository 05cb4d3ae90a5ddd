// SPDX-License-Identifier: GPL-3.0-or-later

// Package failpoint lets tests break the program at chosen steps: kill it there,
// make the step fail, delay it, or leave it out.
//
// The steps are those that design/lifecycle.md numbers; step 3 of § Create is
// "create.3". The code that performs a step runs it through Step or Do, and
// there is a failpoint before and one after it.
//
// Without the build tag "failpoints", Step and Do only call the function, and
// Seeded is false: all of them are inlined, and nothing is left of the names. With
// the tag, the environment variable MOONFIREFS_FAILPOINTS says what happens where,
// as a list of assignments separated by spaces:
//
//	create.3.before=kill       SIGKILL, before the step
//	create.3.after=error:EIO   the step reports an error, although it succeeded
//	save.4.before=delay:500ms  wait
//	save.3=skip                leave the step out, and report success
//	save.4.after=kill@3        only the third time
//	synchronous-normal=on      a seeded fault, see Seeded
//	end-without-limit=on       end however long it takes, as a starved test needs it
//
// Which steps there are and what the faults prove is in design/faults.md. What a
// file system does wrong belongs to package faultfs.
package failpoint
