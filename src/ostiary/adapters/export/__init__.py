"""Pushing the ledger to other systems: the segments are the queue, a cursor says what arrived."""
