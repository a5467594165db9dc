/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One message slot of a SynIC message page: the host delivers N messages, the
 * guest takes them and frees the slot.  No message waits for ever, none is
 * read half written, none is overwritten before it is read.
 *
 * The host finds the slot busy, sets the pending bit in it, and must then look
 * at the type again; the guest clears the type and must then look at the
 * pending bit, and if it is set write the end-of-message register.  Neither
 * sees the other without a full barrier between its store and its load.
 *
 * Memory as in ring.pml.  A lost end-of-message or interrupt leaves both
 * asleep: an invalid end state.  Each -D switch is a mutant that must fail.
 */
#ifndef N
#define N 4
#endif

/* type (host sets, guest clears), pending bit and message (host) */
bit T, F;
byte X;
bit busyTh, busyTg, busyF, busyX;
bit slotF;
byte slotX;

bit irq, eom;

/* Both sides store to the type, so each must see its own store at once. */
#define TYPE_H		(T || busyTh)
#define TYPE_G		(T && !busyTg)

#define H_DRAINED	(!busyTh && !busyF && !busyX)
#define G_DRAINED	(!busyTg)

active proctype memory()
{
end:	do
	:: atomic { busyTh -> T = 1; busyTh = 0 }
	:: atomic { busyTg -> T = 0; busyTg = 0 }
	:: atomic { busyF -> F = slotF; busyF = 0; slotF = 0 }
	:: atomic { busyX -> X = slotX; busyX = 0; slotX = 0 }
	od
}

inline deliver()
{
	atomic { !busyX -> busyX = 1; slotX = i };
	atomic { !busyF -> busyF = 1; slotF = 0 };
#ifndef NO_RELEASE_TYPE
	H_DRAINED;
#endif
	atomic { !busyTh -> busyTh = 1 };
#ifndef NO_BARRIER_INTERRUPT
	H_DRAINED;
#endif
	irq = 1
}

active proctype host()
{
	byte i;
	bit t;

	do
	:: i == N -> break
	:: else ->
		t = TYPE_H;
		do
		:: t == 0 ->
			deliver();
			break
		:: else ->
			atomic { !busyF -> busyF = 1; slotF = 1 };
#ifndef NO_BARRIER_HOST
			H_DRAINED;
#endif
#ifndef NO_REREAD
			t = TYPE_H;
			if
			:: t == 0 -> goto again
			:: else
			fi;
#endif
			atomic { eom -> eom = 0 };
			t = TYPE_H;
again:			skip
		od;
		i++
	od
}

active proctype guest()
{
	byte n;

	do
	:: n == N -> break
	:: else ->
		if
		:: !TYPE_G ->
			atomic { irq -> irq = 0 }
		:: else ->
#ifdef CLEAR_BEFORE_COPY
			atomic { !busyTg -> busyTg = 1 };
			assert(X == n);
#else
			assert(X == n);
			atomic { !busyTg -> busyTg = 1 };
#endif
			n++;
#ifndef NO_BARRIER_GUEST
			G_DRAINED;
#endif
#ifndef NO_EOM
			if
			:: atomic { F -> eom = 1 }
			:: else
			fi
#endif
		fi
	od
}
