pá}i{
uGÄý;ÛuVèÓ®ÝB¹t>ÇÉ"óÏr°ÚÉtƒI|ól“øè€ËZeZ®Ðd•ýO[°=HÅQ
