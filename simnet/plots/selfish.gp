# Selfish mining: the share of the chain that a miner came to own, with 95 % bands, beside the curve
# that Eyal and Sirer published (2014, equation 8) for the share of honest miners that took its side.
# Called with: the table of the sweep, out, kind of file, title.
call "common.gp" ARG2 ARG3 ARG4
table = ARG1
R(a, g) = (a*(1-a)**2*(4*a + g*(1-2*a)) - a**3) / (1 - a*(1 + (2-a)*a))
# The mean gamma that was measured at one reach.
stats table using (($1 == 0) ? $7 : NaN) every ::1 name "none" nooutput
stats table using (($1 == 0.5) ? $7 : NaN) every ::1 name "half" nooutput
stats table using (($1 == 1) ? $7 : NaN) every ::1 name "all" nooutput
set xlabel "share of the hash rate"
set ylabel "share of the chain"
set xrange [0:0.5]
set yrange [0:0.85]
set samples 200
plot x with lines dt 3 lw 2 lc rgb grey title "honest mining", \
     R(x, none_mean) with lines lw 2 lc rgb blue title sprintf("expected at gamma %.2f", none_mean), \
     R(x, half_mean) with lines lw 2 lc rgb green title sprintf("expected at gamma %.2f", half_mean), \
     R(x, all_mean) with lines lw 2 lc rgb orange title sprintf("expected at gamma %.2f", all_mean), \
     table using (($1 == 0) ? $2 : NaN):4:(1.96*$5) every ::1 \
         with yerrorbars pt 7 ps 0.7 lw 2 lc rgb blue title "measured, nobody in reach", \
     table using (($1 == 0.5) ? $2 : NaN):4:(1.96*$5) every ::1 \
         with yerrorbars pt 5 ps 0.7 lw 2 lc rgb green title "measured, half in reach", \
     table using (($1 == 1) ? $2 : NaN):4:(1.96*$5) every ::1 \
         with yerrorbars pt 9 ps 0.9 lw 2 lc rgb orange title "measured, all in reach"
