// The part of the campaign that needs no process: to come.
