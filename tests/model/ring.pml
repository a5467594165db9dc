/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One ring, its producer and its consumer: no wake-up is lost, no packet is
 * read before it is written nor overwritten before it is read.
 *
 * Memory is weak: each store waits in a slot of its own until `memory` carries
 * it out, in any order (store buffers of the PSO kind).  FULL_BARRIER waits
 * until the slots of that side are empty; so does a release store, before it
 * takes its own slot.  Loads that may be reordered are written in the other
 * order by a mutant.  Signals overtake everything.
 *
 * The ring has SZ cells; a packet takes one or two; batches, give-backs and
 * masking are free choices.  A lost wake-up leaves both sides asleep before
 * the N packets are through, which Spin reports as an invalid end state.
 *
 * Each -DNO_... or other switch below makes a mutant; run.sh wants every one
 * of them to fail.  The letters are those of docs/ring.md.
 */
#ifndef N
#define N 4
#endif
#define SZ 4

/* What is in memory, and per variable the store still on its way there. */
byte W, R, P;
bit M;
byte D[SZ];
bit busyW, busyR, busyP, busyM;
byte slotW, slotR, slotP;
bit slotM;
bit busyD[SZ];
byte slotD[SZ];

bit wake_c, wake_p;

#define DATA_OUT	(!busyD[0] && !busyD[1] && !busyD[2] && !busyD[3])
#define P_DRAINED	(!busyW && !busyP && DATA_OUT)
#define C_DRAINED	(!busyR && !busyM)

#define USED(w, r)	(((w) + SZ - (r)) % SZ)
#define FREE(w, r)	(SZ - 1 - USED(w, r))
#ifdef DRAINED_FREE_ZERO	/* QEMU's arithmetic, by code reading */
#define FREE_C(w, r)	((w) == (r) -> 0 : FREE(w, r))
#else
#define FREE_C(w, r)	FREE(w, r)
#endif

active proctype memory()
{
end:	do
	:: atomic { busyW -> W = slotW; busyW = 0; slotW = 0 }
	:: atomic { busyR -> R = slotR; busyR = 0; slotR = 0 }
	:: atomic { busyP -> P = slotP; busyP = 0; slotP = 0 }
	:: atomic { busyM -> M = slotM; busyM = 0; slotM = 0 }
	:: atomic { busyD[0] -> D[0] = slotD[0]; busyD[0] = 0; slotD[0] = 0 }
	:: atomic { busyD[1] -> D[1] = slotD[1]; busyD[1] = 0; slotD[1] = 0 }
	:: atomic { busyD[2] -> D[2] = slotD[2]; busyD[2] = 0; slotD[2] = 0 }
	:: atomic { busyD[3] -> D[3] = slotD[3]; busyD[3] = 0; slotD[3] = 0 }
	od
}

/* Publish the batch; decide whether to signal. */
inline p_commit()
{
	if
	:: w == committed
	:: else ->
#ifndef EDGE_AT_LAST_PACKET
		old = committed;
#endif
		committed = w;
#ifdef NO_RELEASE_B
		atomic { !busyW -> busyW = 1; slotW = w };
#else
		atomic { !busyW && DATA_OUT -> busyW = 1; slotW = w };
#endif
#ifndef NO_BARRIER_A_WRITER
		P_DRAINED;
#endif
		if
		:: M -> skip
		:: else ->
			r = R;
			if
			:: atomic { r == old -> wake_c = 1 }
			:: else
			fi
		fi
	fi
}

active proctype producer()
{
	byte w, committed, r, old, need, i;

	do
	:: i == N -> break
	:: else ->
		if
		:: need = 1
		:: need = 2
		fi;
		if
		:: FREE(w, r) >= need
		:: else ->
			r = R;
			if
			:: FREE(w, r) >= need
			:: else ->
#ifndef WAIT_BEFORE_COMMIT
				p_commit();
#endif
				do
				:: atomic { !busyP -> busyP = 1; slotP = need };
#ifndef NO_BARRIER_D_WRITER
					P_DRAINED;
#endif
#ifndef NO_RECHECK_SPACE
					r = R;
#endif
					if
					:: FREE(w, r) >= need -> break
					:: else
					fi;
					atomic { wake_p -> wake_p = 0 };
#ifdef NO_RECHECK_SPACE
					r = R
#endif
				od;
				atomic { !busyP -> busyP = 1; slotP = 0 }
			fi
		fi;
#ifdef EDGE_AT_LAST_PACKET
		old = w;
#endif
		atomic { !busyD[w] -> busyD[w] = 1; slotD[w] = 2 * i + need };
		w = (w + 1) % SZ;
		if
		:: need == 2 ->
			atomic { !busyD[w] -> busyD[w] = 1; slotD[w] = 2 * i + need };
			w = (w + 1) % SZ
		:: else
		fi;
		i++;
		if
		:: p_commit()
		:: skip
		fi
	od;
	p_commit()
}

/* Give back what was got; decide whether to signal. */
inline c_commit()
{
	if
	:: next == committed
	:: else ->
		old = committed;
		committed = next;
		atomic { !busyR -> busyR = 1; slotR = next };
#ifndef NO_BARRIER_D_READER
		C_DRAINED;
#endif
#ifdef NO_ACQUIRE_E
		w2 = W;
		p = P;
#else
		p = P;
		w2 = W;
#endif
		if
		:: atomic { p != 0 && FREE_C(w2, next) >= p &&
		    FREE_C(w2, old) < p -> wake_p = 1 }
		:: else
		fi
	fi
}

active proctype consumer()
{
	byte next, committed, w, w2, old, p, v, n;

	do
	:: if
		:: atomic { !busyM -> busyM = 1; slotM = 1 }
		:: skip
		fi;
again:		do
		:: next == w ->
#ifdef NO_ACQUIRE_B
			v = D[next];
#endif
			w = W;
			if
			:: next == w -> break
			:: else
			fi;
#ifdef NO_ACQUIRE_B
			goto have_v
#endif
		:: next != w ->
#ifdef NO_RELEASE_C
			/* The store of R overtakes the copy: R first. */
			p = next;
			next = (next + (D[next] % 2 == 1 -> 1 : 2)) % SZ;
			c_commit();
			v = D[p];
			assert((v - 1) / 2 == n);
			n++;
			goto got;
#endif
			v = D[next];
have_v:			assert((v - 1) / 2 == n);
			next = (next + 1) % SZ;
			if
			:: v == 2 * n + 2 ->
				assert(D[next] == v);
				next = (next + 1) % SZ
			:: else
			fi;
			n++;
got:			if
			:: c_commit()
			:: skip
			fi
		od;
#ifndef UNMASK_BEFORE_COMMIT
		c_commit();
#endif
		if
		:: n == N -> break
		:: else
		fi;
		atomic { !busyM -> busyM = 1; slotM = 0 };
#ifndef NO_BARRIER_A_READER
		C_DRAINED;
#endif
#ifndef NO_RECHECK_MASK
		w = W;
		if
		:: next != w ->
			atomic { !busyM -> busyM = 1; slotM = 1 };
			goto again
		:: else
		fi;
#endif
#ifdef UNMASK_BEFORE_COMMIT
		c_commit();
#endif
		atomic { wake_c -> wake_c = 0 }
	od
}
